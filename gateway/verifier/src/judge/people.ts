import { createEarliest, type Earliest } from './earliest.js';
import { isNamed, type Quorum } from './quorum.js';
import type { Person, Place } from './statement-facts.js';

/** Distinct people. */
export interface People {
  add(person: Person | undefined): void;
  has(person: Person): boolean;
}

/** The approving votes for one approval, wherever they stand. */
export interface Votes {
  /** `groups`: those of the voter that the vote names. */
  add(voter: Person, groups: ReadonlySet<string>, place: Place): void;
  /** True when anybody voted before. */
  precede(later: Place): boolean;
  /** True when this person voted before. */
  include(voter: Person, later: Place): boolean;
  /** Where any of these people voted. Looks at every voter. */
  by(groups: readonly People[]): Earliest;
  /** True when as many different persons as the quorum wants, all named by it, voted before: of these voters, or of all. */
  meet(quorum: Quorum, later: Place, voters: readonly (Person | undefined)[] | undefined): boolean;
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
  const cast: { readonly voter: Person; readonly groups: ReadonlySet<string>; readonly place: Place }[] = [];
  const membersByQuorum = new Map<Quorum, ReadonlyMap<string, Earliest>>();

  /** Whose votes a quorum counts, and where they stand. Looks at every vote, once for each quorum. */
  function membersOf(quorum: Quorum): ReadonlyMap<string, Earliest> {
    const known = membersByQuorum.get(quorum);
    if (known !== undefined) return known;
    const members = new Map<string, Earliest>();
    for (const { voter, groups, place } of cast) {
      if (!isNamed(quorum, voter, groups)) continue;
      const own = members.get(keyOf(voter)) ?? createEarliest();
      members.set(keyOf(voter), own);
      own.add(place);
    }
    membersByQuorum.set(quorum, members);
    return members;
  }

  return {
    add(voter, groups, place) {
      all.add(place);
      const own = byVoter.get(keyOf(voter)) ?? createEarliest();
      byVoter.set(keyOf(voter), own);
      own.add(place);
      cast.push({ voter, groups, place });
    },
    precede: (later) => all.precedes(later),
    include: (voter, later) => byVoter.get(keyOf(voter))?.precedes(later) === true,
    meet(quorum, later, voters) {
      const members = membersOf(quorum);
      const keys =
        voters === undefined ? members.keys() : new Set(voters.flatMap((voter) => (voter ? [keyOf(voter)] : [])));
      let missing = quorum.count;
      for (const key of keys) {
        if (members.get(key)?.precedes(later) === true) missing -= 1;
        if (missing <= 0) return true;
      }
      return false;
    },
    by: (groups) =>
      createEarliest(cast.filter(({ voter }) => groups.some((people) => people.has(voter))).map(({ place }) => place)),
  };
}
