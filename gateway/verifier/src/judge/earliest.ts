import type { Place } from './statement-facts.js';

/**
 * Where records of one sort stand, as far as it is asked whether one precedes another: of each log the first. Whoever makes a recording
 * chooses how many there are, so no question may look at all of them.
 */
export interface Earliest {
  add(place: Place): void;
  /** True when one of them stands before. Across logs only the existence counts: clocks of two writers prove no order. */
  precedes(later: Place): boolean;
}

export function createEarliest(places: Iterable<Place> = []): Earliest {
  const firsts = new Map<string, number>();
  const earliest: Earliest = {
    add({ log, index }) {
      firsts.set(log, Math.min(index, firsts.get(log) ?? index));
    },
    precedes({ log, index }) {
      const own = firsts.get(log);
      return own === undefined ? firsts.size > 0 : firsts.size > 1 || own < index;
    },
  };
  for (const place of places) earliest.add(place);
  return earliest;
}
