/** `README.txt` of an evidence bundle. */
export const BUNDLE_README = `Evidence bundle of Piste

recording/     the recording as the gateway wrote it: logs, their keys' files, the registry
records.jsonl  the same records for people, one a line; the verifier compares it with the recording
trust.json     the keys and checkpoints of whoever made the bundle, if there is such a file
bundle.json    which logs are in it, and whether there were more
SHA256SUMS     sums of all other files: sha256sum -c SHA256SUMS
verify.html    a page that verifies the bundle without a network

To verify, open verify.html in a browser and choose the bundle; or run
  piste audit verify FILE.zip --trust TRUST.json

A bundle cannot vouch for itself. Use a trust file that you have from elsewhere: without one the verdict is
never "OK", only that nothing contradicts itself. Whoever may have changed the bundle may have changed
verify.html too: use your own copy of the page, or of piste. Every piste makes the same page.
`;
