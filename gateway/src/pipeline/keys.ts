/** Keys of the pipeline in the store. */

/** One driver request → the query id it got. */
export const requestKey = (sessionId: string, requestId: string): string => `request:${sessionId}:${requestId}`;
/** One statement and how it ended. */
export const statementKey = (queryId: string): string => `statement:${queryId}`;
/** Which gateway walks the statement. */
export const leaseKey = (queryId: string): string => `lease:${queryId}`;
/** Exists while the driver keeps asking. */
export const pollKey = (queryId: string): string => `poll:${queryId}`;
/** Exists once the driver cancelled. */
export const abortKey = (queryId: string): string => `abort:${queryId}`;
/** The parts of one result, by the digest of its capability. */
export const partsKey = (capabilityDigest: string): string => `parts:${capabilityDigest}`;
