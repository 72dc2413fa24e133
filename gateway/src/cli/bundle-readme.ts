const VERIFYING = `To verify, open verify.html in a browser and choose the bundle; or run
  piste audit verify FILE.zip --trust TRUST.json

A bundle cannot vouch for itself. Use a trust file that you have from elsewhere: without one the verdict is
never "OK", only that nothing contradicts itself. Whoever may have changed the bundle may have changed
verify.html too: use your own copy of the page, or of piste. Every piste makes the same page.
`;

/** `README.txt` of an evidence bundle of whole logs. */
export const LOGS_README = `Evidence bundle of Piste

recording/     the recording as the gateway wrote it: logs, their keys' files, the registry
records.jsonl  the same records for people, one a line; the verifier compares it with the recording
trust.json     the keys and checkpoints of whoever made the bundle, if there is such a file
bundle.json    which logs are in it, and whether there were more
SHA256SUMS     sums of all other files: sha256sum -c SHA256SUMS
verify.html    a page that verifies the bundle without a network

${VERIFYING}`;

/** `README.txt` of a session bundle. */
export const SESSION_README = `Evidence bundle of Piste: one session

session/       the session's records as the gateway wrote them, each log's with one proof that they stand in
               it, and what shows that the deployment's registry knows these logs
records.jsonl  the same records for people, one a line; the verifier compares it with them
trust.json     the keys and checkpoints of whoever made the bundle, if there is such a file
bundle.json    which session it is, and in which logs it has records
SHA256SUMS     sums of all other files: sha256sum -c SHA256SUMS
verify.html    a page that verifies the bundle without a network

Nothing of other sessions is in it. "OK" says: every record of the session is as it was written, and none is
missing up to where the session's end says that it stood in each log. It says nothing of other sessions, and
not that the logs hold no more of them. A record that another gateway wrote within the last moments before
the end, and that the end does not know of, would not be missed: for that, ask for the whole logs.

${VERIFYING}`;
