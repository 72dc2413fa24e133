import { createEarliest, type Earliest } from './earliest.js';
import type { Person, Place } from './statement-facts.js';

/** Distinct people. */
export interface People {
  add(person: Person | undefined): void;
  has(person: Person): boolean;
}

/** The approving votes for one approval, wherever they stand. */
export interface Votes {
  add(voter: Person, place: Place): void;
  /** True when anybody voted before. */
  precede(later: Place): boolean;
  /** True when this person voted before. */
  include(voter: Person, later: Place): boolean;
  /** Where any of these people voted. Looks at every voter. */
  by(groups: readonly People[]): Earliest;
}

/** The same person in two issuers is two people. */
const keyOf = ({ issuer, subject }: Person): string => JSON.stringify([issuer, subject]);

export function createPeople(): People {
  const keys = new Set<string>();
  return {
    add(person) {
      if (person !== undefined) keys.add(keyOf(person));
    },
    has: (person) => keys.has(keyOf(person)),
  };
}

export function createVotes(): Votes {
  const all = createEarliest();
  const byVoter = new Map<string, Earliest>();
  const cast: { readonly voter: Person; readonly place: Place }[] = [];
  return {
    add(voter, place) {
      all.add(place);
      const own = byVoter.get(keyOf(voter)) ?? createEarliest();
      byVoter.set(keyOf(voter), own);
      own.add(place);
      cast.push({ voter, place });
    },
    precede: (later) => all.precedes(later),
    include: (voter, later) => byVoter.get(keyOf(voter))?.precedes(later) === true,
    by: (groups) =>
      createEarliest(cast.filter(({ voter }) => groups.some((people) => people.has(voter))).map(({ place }) => place)),
  };
}
