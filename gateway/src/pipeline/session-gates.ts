/**
 * Statements of one session that change where unqualified names point (USE, ALTER SESSION) run alone; all others run
 * side by side. So the context a statement was read in is the context it runs in, as far as this gateway serves the
 * session.
 */
export interface SessionGates {
  /** Runs `work` when the gate allows it. Waiters are served in order of arrival. */
  pass<T>(sessionId: string, mode: 'shared' | 'exclusive', work: () => Promise<T>): Promise<T>;
}

interface Gate {
  running: number;
  exclusive: boolean;
  readonly waiting: { readonly mode: 'shared' | 'exclusive'; readonly start: () => void }[];
}

export function createSessionGates(): SessionGates {
  const gates = new Map<string, Gate>();

  const admit = (sessionId: string, gate: Gate): void => {
    for (let next = gate.waiting[0]; next !== undefined; next = gate.waiting[0]) {
      const free = next.mode === 'shared' ? !gate.exclusive : gate.running === 0;
      if (!free) return;
      gate.waiting.shift();
      gate.running += 1;
      gate.exclusive = next.mode === 'exclusive';
      next.start();
    }
    if (gate.running === 0) gates.delete(sessionId);
  };

  return {
    async pass(sessionId, mode, work) {
      const gate = gates.get(sessionId) ?? { running: 0, exclusive: false, waiting: [] };
      gates.set(sessionId, gate);
      await new Promise<void>((start) => {
        gate.waiting.push({ mode, start });
        admit(sessionId, gate);
      });
      try {
        return await work();
      } finally {
        gate.running -= 1;
        gate.exclusive = false;
        admit(sessionId, gate);
      }
    },
  };
}
