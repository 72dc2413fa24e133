/** What the commands about the registry may be given. */
export interface RegistryArguments {
  readonly positionals: readonly string[];
  /** The option, by its name without dashes; undefined when it is not given. */
  text(name: string): string | undefined;
  /** The option; a usage error when it is not given. */
  need(name: string): string;
  list(name: string): readonly string[];
  /** True where the option, which takes no value, is given. */
  flag(name: string): boolean;
}
