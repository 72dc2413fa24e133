/** The Node driver asks for an earlier request's result by repeating its id with this text; it is never run. */
const NODE_RESEND = "SELECT 'Error retrieving query results for request id: ";

/**
 * Python and JDBC fetch the result of an asynchronous statement by this text. For a query id of the gateway it is answered
 * from what was delivered, masked as it was; any other RESULT_SCAN is read like every statement, and refused.
 */
const RESULT_SCAN =
  /^\s*select\s+\*\s+from\s+table\s*\(\s*result_scan\s*\(\s*'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'\s*\)\s*\)\s*;?\s*$/i;

/** The query id whose result a text asks for, where it asks for nothing else. */
export function scannedQueryId(sqlText: string): string | undefined {
  return RESULT_SCAN.exec(sqlText)?.[1];
}

/** True for the text that only asks for an earlier request's result. */
export function isResend(sqlText: string): boolean {
  return sqlText.startsWith(NODE_RESEND);
}
