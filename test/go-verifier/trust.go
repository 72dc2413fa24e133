package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	ulidPattern  = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
	errTrust     = errors.New("the trust file is none")
	writerOrigin = regexp.MustCompile(`/w/([0-7][0-9A-HJKMNP-TV-Z]{25})$`)
)

type anchor struct {
	origin string
	size   int64
	root   hash
	note   string
}

// trust is the trust file, section 9.
type trust struct {
	writers     []verifierKey
	checkpoints []anchor // of writers
	kept        []anchor // of the registry
	registry    *verifierKey
	witnesses   string
}

func ulidOf(origin string) string {
	if found := writerOrigin.FindStringSubmatch(origin); found != nil {
		return found[1]
	}
	return ""
}

func members(raw json.RawMessage, allowed ...string) (map[string]json.RawMessage, bool) {
	var found map[string]json.RawMessage
	if json.Unmarshal(raw, &found) != nil || found == nil {
		return nil, false
	}
	for name := range found {
		if !strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+name+" ") {
			return nil, false
		}
	}
	return found, true
}

func parseTrust(raw []byte) (*trust, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	var top json.RawMessage
	if !utf8.Valid(raw) || decoder.Decode(&top) != nil {
		return nil, errTrust
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errTrust
	}
	fields, ok := members(top, "v", "writers", "checkpoints", "registry", "witnesses")
	var version float64
	if !ok || json.Unmarshal(fields["v"], &version) != nil || version != 1 {
		return nil, errTrust
	}
	found := &trust{}
	var writers []*string
	if !isArray(fields["writers"]) || json.Unmarshal(fields["writers"], &writers) != nil {
		return nil, errTrust
	}
	for _, text := range writers {
		if text == nil {
			return nil, errTrust
		}
		vkey, ok := parseVkey(*text)
		if !ok || ulidOf(vkey.name) == "" {
			return nil, errTrust
		}
		found.writers = append(found.writers, vkey)
	}
	if text, here := fields["registry"]; here {
		var name *string
		if json.Unmarshal(text, &name) != nil || name == nil {
			return nil, errTrust
		}
		vkey, ok := parseVkey(*name)
		if !ok {
			return nil, errTrust
		}
		found.registry = &vkey
	}
	if text, here := fields["witnesses"]; here {
		var policy *string
		if json.Unmarshal(text, &policy) != nil || policy == nil {
			return nil, errTrust
		}
		if _, ok := parsePolicy(*policy); !ok {
			return nil, errTrust
		}
		found.witnesses = *policy
	}
	return found, found.takeCheckpoints(fields["checkpoints"])
}

func isArray(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '[' }

func (t *trust) takeCheckpoints(raw json.RawMessage) error {
	var items []json.RawMessage
	if raw == nil {
		return nil
	}
	if !isArray(raw) || json.Unmarshal(raw, &items) != nil {
		return errTrust
	}
	seen := map[string]bool{}
	for _, item := range items {
		kept, ok := toAnchor(item)
		if !ok || !t.vouches(kept) {
			return errTrust
		}
		if t.registry != nil && kept.origin == t.registry.name {
			t.kept = append(t.kept, kept)
			continue
		}
		if seen[kept.origin] {
			return errTrust
		}
		seen[kept.origin] = true
		if ulidOf(kept.origin) == "" {
			t.kept = append(t.kept, kept)
		} else {
			t.checkpoints = append(t.checkpoints, kept)
		}
	}
	return nil
}

func toAnchor(raw json.RawMessage) (anchor, bool) {
	fields, ok := members(raw, "origin", "size", "root", "note")
	if !ok {
		return anchor{}, false
	}
	var parsed struct {
		Origin, Root, Note *string
		Size               *float64
	}
	if json.Unmarshal(raw, &parsed) != nil || parsed.Origin == nil || parsed.Root == nil || parsed.Size == nil {
		return anchor{}, false
	}
	kept := anchor{origin: *parsed.Origin, size: int64(*parsed.Size)}
	if float64(kept.size) != *parsed.Size || kept.size < 1 || kept.size > maxInteger {
		return anchor{}, false
	}
	if kept.root, ok = decodeRoot(*parsed.Root); !ok {
		return anchor{}, false
	}
	if _, here := fields["note"]; here {
		if parsed.Note == nil {
			return anchor{}, false
		}
		kept.note = *parsed.Note
		if kept.note == "" {
			return anchor{}, false
		}
	}
	return kept, true
}

// vouches says whether a kept checkpoint's note, if any, is one.
func (t *trust) vouches(kept anchor) bool {
	if kept.note == "" {
		return true
	}
	signed, ok := parseNote(kept.note)
	if !ok || signed.text != checkpointText(kept.origin, kept.size, kept.root) {
		return false
	}
	keys := t.writers
	if t.registry != nil {
		keys = append(append([]verifierKey{}, keys...), *t.registry)
	}
	for _, key := range keys {
		if key.name == kept.origin && signed.signedBy(key) {
			return true
		}
	}
	return false
}
