/** API group of all kinds. */
export const GROUP = 'piste.dev';

/** The one version served and stored. */
export const VERSION = 'v1alpha1';

/** `apiVersion` of every resource. */
export const API_VERSION = 'piste.dev/v1alpha1';
