/** Printed by `piste help` and behind every usage error. */
export const HELP = `piste: what agents do with Snowflake, and the proof of it

Usage:
  piste explain 'SQL' --as WHO --resources DIR --catalog FILE
      What the gateway would do with a statement for somebody, and why:
      what is masked and how, denied or held, and the text that would be
      sent. --connection NAME when DIR has several; --database, --schema
      and --role say where the session stands; -o json for programs.
  piste explain column DB.SCHEMA.TABLE.COLUMN --as WHO --resources DIR
      Which rules speak about a column, which one wins and why. With
      --catalog FILE its tags and category count too.
  piste explain --catalog FILE --json
      For pipelines, without policies: reads lines {id, sql, session?}
      from standard input and writes one line for each, in order.
  piste policy test PATH... [--json] [--junit FILE]
      Run fixtures: statements and what must become of them.
  piste policy backtest --policies DIR --recording DIR [--json]
      Decide recorded statements again under other policies, and show
      what would be decided otherwise. --session ID and --since TIME
      narrow it, --trust FILE proves the recording, --catalog FILE
      describes objects that the recording does not.
  piste audit verify [RECORDING...] [--trust FILE] [--json]
      Verify recordings offline: directories, evidence bundles, or
      s3://BUCKET/PREFIX. Without --trust nothing from elsewhere
      vouches for them, and the verdict is "cannot conclude".
      --identity FILE opens encrypted texts, --history FILE compares
      with Snowflake's history, --session ID lists its records' proofs
      and --proofs DIR writes them.
  piste audit bundle [RECORDING] [--session ID] [--since T] [--trust FILE] -o FILE.zip
      Make an evidence bundle: the logs that hold such records, the
      records for people, and a page that verifies them.
  piste audit reconcile [DIR...] --history FILE [--trust FILE] [--json]
      Compare Snowflake's query history (.json, .jsonl, .csv) with the
      recordings: what ran for the service user and is not recorded so.
      --user NAME when FILE has others too, --connection NAME when the
      recordings have several, --since TIME, --lag 45m how late FILE may
      be, --hybrid-tables when the account has some, --quick checks
      signatures only where nothing else proves a row.
  piste audit reconcile --gateway URL --token-file FILE --connection NAME
      The same by a gateway, from the history as it is now.
  piste sessions list [DIR] [--json]
      List the recorded sessions.
  piste sessions play [DIR] ID [--speed N] [--json]
      Show what happened in one session, as it was delivered. ID may be
      the beginning of an id. --speed replays the pauses N times faster.
  piste sessions serve [DIR] ID [--listen HOST:PORT] [--trust FILE]
      Answer a driver from one recorded session, as if it were
      Snowflake: whoever logs in gets what was delivered then, and a
      statement that is not in the recording is refused.
  piste version
  piste help

WHO is group:NAME, user:ISSUER#SUBJECT or claim:NAME=VALUE; --as may stand
several times. In audit and sessions DIR is the recording directory;
default: --dir DIR or PISTE_RECORDING_DIR.

Exit codes:
  explain      0 allowed, 1 failed, 2 usage, 3 denied, 4 held
  policy test  0 all passed, 1 some failed, 2 usage or a broken file
  policy backtest  0 no difference, 1 differences, 2 some could not be
               decided again or the recording is no good, 3 usage
  audit        0 sound or complete, 1 tampering proven or alarm,
               2 cannot conclude, 3 usage
  sessions     0 done, 1 failed, 3 usage
`;
