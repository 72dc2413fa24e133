import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Slot {
  readonly payload: AdapterPayload;
  readonly expiresAtMs: number;
}

/** State of one issuer in this process; it ends with it. The provider's own would be shared by all issuers of a process. */
export function createMemoryAdapter(clock: () => number): AdapterFactory {
  const slots = new Map<string, Slot>();

  function read(key: string): AdapterPayload | undefined {
    const slot = slots.get(key);
    if (slot === undefined || slot.expiresAtMs > clock()) return slot?.payload;
    slots.delete(key);
    return undefined;
  }

  return (model): Adapter => {
    const key = (id: string) => `${model}:${id}`;
    const findBy = (member: 'uid' | 'userCode', value: string) => {
      const found = [...slots.keys()].filter((candidate) => candidate.startsWith(`${model}:`));
      return found.map(read).find((payload) => payload?.[member] === value);
    };
    return {
      async upsert(id, payload, expiresIn) {
        const expiresAtMs = expiresIn === undefined ? Number.POSITIVE_INFINITY : clock() + expiresIn * 1000;
        slots.set(key(id), { payload, expiresAtMs });
      },
      find: async (id) => read(key(id)),
      findByUid: async (uid) => findBy('uid', uid),
      findByUserCode: async (userCode) => findBy('userCode', userCode),
      async consume(id) {
        const slot = slots.get(key(id));
        if (slot === undefined) return;
        slots.set(key(id), { ...slot, payload: { ...slot.payload, consumed: Math.floor(clock() / 1000) } });
      },
      async destroy(id) {
        slots.delete(key(id));
      },
      async revokeByGrantId(grantId) {
        for (const [name, { payload }] of slots) if (payload.grantId === grantId) slots.delete(name);
      },
    };
  };
}
