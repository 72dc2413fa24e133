import { REGISTRY_HELP } from './registry-help.js';

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
      and --proofs DIR writes them. --deep compares what was delivered
      with the texts kept of it, too. A bucket is read with the
      PISTE_ARCHIVE_ options; its versions, delete markers and locks are
      compared with the registry, too.
  piste audit bundle [RECORDING] [--session ID] [--since T] [--trust FILE] -o FILE.zip
      Make an evidence bundle: records with their proofs, the same for
      people, and a page that verifies them. With --session ID only that
      session's, and nothing of others; --keys puts its keys in, wrapped
      as they lie. Else whole logs: all, those with records --since a
      time, or with --session ID --whole-logs those the session stands in.
  piste audit reconcile [DIR...] --history FILE [--trust FILE] [--json]
      Compare Snowflake's query history (.json, .jsonl, .csv) with the
      recordings: what ran for the service user and is not recorded so.
      --user NAME when FILE has others too, --connection NAME when the
      recordings have several, --since TIME, --lag 45m how late FILE may
      be, --hybrid-tables when the account has some, --quick checks
      signatures only where nothing else proves a row.
  piste audit reconcile --gateway URL --token-file FILE --connection NAME
      The same by a gateway, from the history as it is now.
${REGISTRY_HELP}  piste audit readings [RECORDING] [--trust FILE] [--json]
      Who read recorded texts, as far as that was recorded (below).
  piste sessions list [DIR] [--json]
      List the recorded sessions.
  piste sessions show [DIR] ID [--trust FILE] [--json]
      One page about a session. ID may be the beginning of an id.
  piste sessions play [DIR] ID [--speed N] [--trust FILE] [--json]
      Show what happened in one session, as it was delivered. On a
      terminal time passes as it did, N times faster with --speed, not
      at all with --no-wait; elsewhere only with --speed.
      --skip-idle [SECONDS] cuts longer pauses (5) and says how long they
      were, --from N starts at a record.
  piste sessions serve [DIR] ID [--listen HOST:PORT] [--trust FILE]
      Answer a driver from one recorded session, as if it were
      Snowflake: whoever logs in gets what was delivered then, and a
      statement that is not in the recording is refused.
  piste sessions export [DIR] [ID] --format jsonl|ocsf|har [-o FILE]
      Records as JSON lines (--bodies text or base64 for the bodies),
      OCSF events (--ocsf-version 1.9.0-dev for ai_agent), or an HTTP
      archive. --since and --until limit the time.
  piste search 'QUERY' [DIR...] [--limit N] [--trust FILE] [--json]
      Find statements by words of their text and by table:, column:,
      class:, agent:, who:, decision:, rule:, error:, qid:, session:,
      since:, until:, bytes>N; - before a term turns it around. The index
      is a cache: --index FILE says where, --fresh makes it anew.
  piste version
  piste help

Where bodies are encrypted, --identity FILE names age identities that open
them: in sessions play, show, export and serve, search, policy backtest and
audit verify and reconcile.

The commands that open texts this way, and audit bundle, are recorded in the
registry before they show anything where --identity-key FILE (or
PISTE_IDENTITY_KEY_FILE) gives the deployment's identity; --deployment and
--registry-dir as for audit hold. Without it they say that they leave no
record; --unrecorded says that this is meant, as with a copy or a bundle.
Audit verify and reconcile show no texts and are not recorded.

WHO is group:NAME, user:ISSUER#SUBJECT or claim:NAME=VALUE; --as may stand
several times. In audit, sessions and search DIR is the recording directory;
default: --dir DIR or PISTE_RECORDING_DIR.
TIME is 2026-11-23, 2026-11-23T06:00 (UTC unless an offset is given), or
90m, 24h, 7d ago.

Exit codes:
  explain      0 allowed, 1 failed, 2 usage, 3 denied, 4 held
  policy test  0 all passed, 1 some failed, 2 usage or a broken file
  policy backtest  0 no difference, 1 differences, 2 some could not be
               decided again or the recording is no good, 3 usage
  audit        0 sound or complete, 1 tampering proven or alarm,
               2 cannot conclude, 3 usage
  sessions     0 done, 1 failed, damaged or tampered, 3 usage
  search       0 done, 1 failed, damaged or a hit dropped, 3 usage
`;
