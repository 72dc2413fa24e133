/** One HTTP/1.1 message with a body of announced length. */
export interface HttpMessage {
  /** Start line and headers, without the empty line. */
  readonly head: string;
  readonly body: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/**
 * Cuts a stream into messages at the cost of a few microseconds each, so that the equipment is not what is measured.
 * Reads only what the benchmark's own parties send: a length is announced, or there is no body. Throws on anything else.
 */
export function createMessageReader(onMessage: (message: HttpMessage) => void): (part: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (part) => {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    for (;;) {
      const end = rest.indexOf(HEAD_END);
      if (end === -1) return;
      const head = rest.toString('latin1', 0, end);
      if (/\r\ntransfer-encoding:/i.test(head)) throw new Error('a message of unannounced length');
      const bodyAt = end + HEAD_END.length;
      const messageEnd = bodyAt + Number(LENGTH.exec(head)?.[1] ?? 0);
      if (rest.length < messageEnd) return;
      const body = rest.subarray(bodyAt, messageEnd);
      rest = rest.subarray(messageEnd);
      onMessage({ head, body });
    }
  };
}
