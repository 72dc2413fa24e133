/** Usage lines of these commands, for `piste help`. */
export const REGISTRY_HELP = `  piste witness --listen HOST:PORT --key FILE --name NAME --state DIR
                --log VKEY [--log VKEY...]
      Cosign the registries of these logs as long as each only grows: to
      be run where the gateways' operators have no access.
  piste audit authorize SESSION --reason TEXT --key FILE --name NAME
                        [--deployment NAME]
      An officer's agreement that a session is shredded, as a signed note.
  piste audit shred SESSION --reason TEXT --authorization FILE
                    --authorization FILE
      Destroy the keys of a session, after two officers agreed. Its
      records stay provable, its texts and results cannot be read again.
  piste audit hold set --id ID --reason TEXT [--session ID]
  piste audit hold release --id ID --reason TEXT
      Keep a session, or everything, from being shredded or pruned.
  piste audit retention --days N --reason TEXT
      Remove archived texts and results older than N days.
      Shred, hold and retention work in the recording directory and, with
      --archive s3://BUCKET/PREFIX or PISTE_ARCHIVE_URL, in the bucket.
      Run again, they finish what was interrupted.
  piste audit rotate-identity --identity-key OLD --new-identity-key NEW
                [--check]
      Hand the registry over to a new identity key, which both keys sign.
      Gateways with the old one record nothing more: restart each with the
      new one. --check changes nothing and prints both public keys.
`;
