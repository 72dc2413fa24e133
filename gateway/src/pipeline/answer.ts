/** An answer whose record is durable: the bytes of a JSON body. */
export type Answer = Buffer;
