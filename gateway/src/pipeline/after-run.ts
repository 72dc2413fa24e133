import { deny, GatewayError } from '../errors.js';

/**
 * Work after Snowflake ran a statement. When the record or the store is lost then, the denial must not say that nothing was
 * executed.
 */
export async function afterRun<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { message, denial } = error;
    if (denial.code === 'PISTE-1701') throw new GatewayError(message, deny.cannotRecordResult(), { cause: error });
    if (denial.code === 'PISTE-1703') throw new GatewayError(message, deny.storeLost(), { cause: error });
    throw error;
  }
}
