import { PROTECTED_MARK, TABLES } from './canned-answers.js';
import { chunkUrl } from './relay-bench.js';
import type { GatewaySubject, Rig } from './rig.js';

/** Looks once that what is timed does its work: masks what it must, leaves the rest byte for byte. Throws otherwise. */
export async function checkAnswers(rig: Rig): Promise<void> {
  await checkRows(rig.gateway);
  if (rig.gatewayInMemory !== undefined) await checkRows(rig.gatewayInMemory);
  const upstream = await textAt(`http://127.0.0.1:${rig.upstreamPort}/chunk/plain`);
  const unmasked = await textAt(await chunkUrl(rig.gateway.client, TABLES.unmaskedWide.sqlText));
  if (unmasked !== upstream) throw new Error('a result part without masks was not relayed as it is');
  const masked = await textAt(await chunkUrl(rig.gateway.client, TABLES.maskedWide.sqlText));
  if (masked.includes(PROTECTED_MARK) || !masked.includes('pst_')) throw new Error('a result part was not masked');
}

async function checkRows({ client }: GatewaySubject): Promise<void> {
  const masked = await client.run(TABLES.masked.sqlText.replace('$N', '1'));
  const text = JSON.stringify(masked.data['rowset']);
  if (!masked.success || text.includes(PROTECTED_MARK) || !text.includes('pst_')) {
    throw new Error(`the masked statement was not masked: ${masked.code} ${masked.message}`);
  }
  const unmasked = await client.run(TABLES.unmasked.sqlText.replace('$N', '1'));
  if (JSON.stringify(unmasked.data['rowset']) !== JSON.stringify(TABLES.unmasked.rows)) {
    throw new Error(`the unmasked statement came back changed: ${unmasked.code} ${unmasked.message}`);
  }
}

async function textAt(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`a result part answered ${response.status}`);
  return response.text();
}
