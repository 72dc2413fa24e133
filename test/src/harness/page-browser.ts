/** A page as a browser shows it. */
export interface Page {
  readonly status: number;
  readonly url: string;
  readonly text: string;
}

/** A browser as far as it matters here: cookies per host, redirects followed, forms sent from where they stand. */
export interface Browser {
  open(url: string, form?: Readonly<Record<string, string>>): Promise<Page>;
  /** Opens a page and signs in at the issuer on the way. */
  openAs(person: string, url: string): Promise<Page>;
}

const MAX_REDIRECTS = 10;

export function openBrowser(): Browser {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string): Map<string, string> => {
    // Cookies do not know ports; issuer and console use different names.
    const { hostname } = new URL(url);
    const jar = jars.get(hostname) ?? new Map<string, string>();
    jars.set(hostname, jar);
    return jar;
  };
  const open: Browser['open'] = async (url, form) => {
    let target = url;
    let body = form === undefined ? undefined : new URLSearchParams(form);
    for (let step = 0; step < MAX_REDIRECTS; step += 1) {
      const jar = jarOf(target);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const { origin } = new URL(target);
      const sent = body === undefined ? { headers: { cookie } } : { method: 'POST', body, headers: { cookie, origin } };
      const response = await fetch(target, { ...sent, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '') jar.delete(name);
        else jar.set(name, value);
      }
      const text = await response.text();
      const location = response.headers.get('location');
      if (location === null) return { status: response.status, url: target, text };
      target = new URL(location, target).href;
      body = undefined;
    }
    throw new Error('too many redirects');
  };
  return {
    open,
    async openAs(person, url) {
      const loginPage = await open(url);
      const action = /action="([^"]+)"/.exec(loginPage.text)?.[1] ?? '';
      return open(new URL(action, loginPage.url).href, { login: person });
    },
  };
}

/** The value of a hidden field. */
export function fieldOf(page: Page, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(page.text)?.[1] ?? '';
}
