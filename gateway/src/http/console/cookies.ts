/** The console's cookies: HttpOnly, SameSite=Lax, for the whole origin; with the `__Host-` prefix over https (RFC 6265bis §4.1.3). */
export interface Cookies {
  read(header: string | undefined, name: CookieName): string | undefined;
  /** The value of a `Set-Cookie` header. */
  write(name: CookieName, value: string, maxAgeSeconds: number): string;
  clear(name: CookieName): string;
}

export type CookieName = 'piste-session' | 'piste-login';

export function createCookies(secure: boolean): Cookies {
  const fullName = (name: CookieName) => (secure ? `__Host-${name}` : name);
  const write = (name: CookieName, value: string, maxAgeSeconds: number) =>
    `${fullName(name)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  return {
    write,
    clear: (name) => write(name, '', 0),
    read(header, name) {
      const prefix = `${fullName(name)}=`;
      const found = header
        ?.split(';')
        .map((part) => part.trim())
        .find((part) => part.startsWith(prefix));
      const value = found?.slice(prefix.length);
      return value !== undefined && /^[A-Za-z0-9_-]{1,128}$/.test(value) ? value : undefined;
    },
  };
}
