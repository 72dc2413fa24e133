package main

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const (
	tileWidth  = 256
	maxEntry   = 65535
	noRegistry = "registry-missing"
)

var registryKinds = map[string]bool{"registry.open": true, "writer.open": true, "writer.checkpoint": true, "writer.sealed": true, "writer.close": true,
	"segment": true, "key.rotate": true, "config": true, "retention": true, "hold": true, "shred": true, "read": true, "reconcile": true, "tick": true}

type registryEntry struct {
	kind   string
	fields object
	raw    []byte
}

// registryView is a registry that holds, taken alone, and what it says of logs when it is trusted.
type registryView struct {
	files   map[string]string // paths by name below registry/
	head    checkpoint
	headRaw string
	entries []registryEntry
	hashes  []hash
	keys    []verifierKey // in force one after another
	since   []int64       // from which size each is in force
	trusted bool
}

var (
	sizeName   = `(?:0|[1-9][0-9]*)`
	appendName = regexp.MustCompile(`^append/` + sizeName + `$`)
	cosignName = regexp.MustCompile(`^cosigned/(` + sizeName + `)$`)
	tileName   = regexp.MustCompile(`^tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?$`)
)

// readRegistry reads the registry beside the logs, and tells what is wrong with it taken alone and by the trust file (section 11).
func (j *judge) readRegistry(path string) error {
	view := &registryView{files: map[string]string{}}
	err := filepath.WalkDir(path, func(full string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && full == path {
			return err
		}
		name := filepath.ToSlash(full[len(path)+1:])
		if strings.HasPrefix(name, ".") {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.IsDir() {
			view.files[name] = full
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	here := len(view.files) > 0
	if here {
		view.tellNames(j)
		if code := view.read(); code != "" {
			j.tell(tampered, code, "")
			return nil
		}
	}
	if _, begun := view.files["checkpoint"]; !begun {
		here = false
	}
	if !here {
		j.registryAbsent()
		return nil
	}
	view.tellTiles(j)
	view.tellCosigned(j)
	j.registry = view
	j.judgeRegistryTrust(view)
	return nil
}

func (j *judge) registryAbsent() {
	switch {
	case len(j.trust.kept) > 0:
		j.tell(tampered, noRegistry, "")
	case j.trust.registry != nil:
		j.tell(inconclusive, noRegistry, "")
	}
}

func (v *registryView) tellNames(j *judge) {
	for name := range v.files {
		if name != "checkpoint" && !appendName.MatchString(name) && !cosignName.MatchString(name) && !tileName.MatchString(name) {
			j.tell(inconclusive, "unknown-file", "")
		}
	}
}

func (v *registryView) load(name string) ([]byte, bool) {
	path, here := v.files[name]
	if !here {
		return nil, false
	}
	raw, err := os.ReadFile(path)
	return raw, err == nil
}

// read answers the code of the broken rule, after which the registry counts as absent.
func (v *registryView) read() string {
	raw, here := v.load("checkpoint")
	if !here {
		for name := range v.files {
			if strings.HasPrefix(name, "tile/entries/") {
				return "registry-checkpoint"
			}
		}
		return ""
	}
	signed, ok := parseNote(string(raw))
	if !ok {
		return "registry-checkpoint"
	}
	if v.head, ok = parseCheckpoint(signed.text); !ok || len(v.head.more) > 0 {
		return "registry-checkpoint"
	}
	v.headRaw = string(raw)
	if code := v.readEntries(); code != "" {
		return code
	}
	var all tree
	for _, entry := range v.entries {
		leaf := leafHash(entry.raw)
		v.hashes = append(v.hashes, leaf)
		all.add(leaf)
	}
	if all.root() != v.head.root {
		return "registry-root"
	}
	if code := v.followKeys(); code != "" {
		return code
	}
	if !signed.signedBy(v.keys[len(v.keys)-1]) {
		return "registry-signature"
	}
	return ""
}

func tilePath(n int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	return path
}

func (v *registryView) readEntries() string {
	for from := int64(0); from < v.head.size; from += tileWidth {
		width := min(v.head.size-from, tileWidth)
		full := "tile/entries/" + tilePath(from/tileWidth)
		raw, here := v.load(full)
		claimed := int64(tileWidth)
		if width < tileWidth {
			if partial, partly := v.load(fmt.Sprintf("%s.p/%d", full, width)); partly {
				raw, here, claimed = partial, true, width
			}
		}
		if !here {
			return "registry-incomplete"
		}
		bundle, ok := splitBundle(raw)
		if !ok || int64(len(bundle)) != claimed {
			return "registry-bundle"
		}
		for _, entry := range bundle[:width] {
			parsed, ok := parseRegistryEntry(entry)
			if !ok {
				return "registry-entry"
			}
			v.entries = append(v.entries, parsed)
		}
	}
	return ""
}

func splitBundle(raw []byte) (found [][]byte, ok bool) {
	for len(raw) > 0 {
		if len(raw) < 2 {
			return nil, false
		}
		length := int(binary.BigEndian.Uint16(raw))
		if len(raw) < 2+length {
			return nil, false
		}
		found = append(found, raw[2:2+length])
		raw = raw[2+length:]
	}
	return found, true
}

func parseRegistryEntry(raw []byte) (registryEntry, bool) {
	value, err := parseCanonical(raw)
	members, ok := value.(object)
	if err != nil || !ok || len(members) != 4 || members["v"] != int64(1) {
		return registryEntry{}, false
	}
	fields, hasFields := members["f"].(object)
	_, hasTime := natural(members["t"])
	kind := members.text("k")
	return registryEntry{kind, fields, raw}, hasFields && hasTime && registryKinds[kind] && hasMembers(kind, fields)
}

// hasMembers checks the members an entry has at least.
func hasMembers(kind string, f object) bool {
	hasOrigin := f.text("origin") != ""
	_, hasSize := natural(f["size"])
	_, hasRoot := decodeRoot(f["root"])
	_, hasClosed := f["closed"].(bool)
	vkey, hasVkey := parseVkey(f.text("vkey"))
	switch kind {
	case "registry.open":
		return hasOrigin && hasVkey
	case "writer.open":
		return hasOrigin && hasVkey && vkey.name == f.text("origin")
	case "writer.checkpoint", "writer.close":
		return hasOrigin && hasSize && hasRoot
	case "writer.sealed":
		_, rootHere := f["root"]
		_, hasTorn := natural(f["torn"])
		return hasOrigin && hasSize && hasClosed && hasTorn && f.text("by") != "" && (hasRoot || !rootHere)
	}
	if kind == "read" {
		_, hasBy := f["by"].(object)
		_, hasLogs := natural(f["logs"])
		list, listed := f["sessions"]
		_, isList := list.([]any)
		return f.text("id") != "" && f.text("command") != "" && hasBy && hasLogs && (isList || !listed)
	}
	return hasTexts(kind, f)
}

var neededTexts = map[string][]string{"hold": {"id", "v", "reason"}, "shred": {"sid", "reason"}, "key.rotate": {"from", "to", "note"}, "segment": {"origin"}}

// hasTexts: a text that must be there is not empty.
func hasTexts(kind string, f object) bool {
	for _, name := range neededTexts[kind] {
		if f.text(name) == "" {
			return false
		}
	}
	return kind != "hold" || f.text("v") == "set" || f.text("v") == "release"
}

func (v *registryView) followKeys() string {
	for i, entry := range v.entries {
		if (entry.kind == "registry.open") != (i == 0) {
			return "registry-open"
		}
		switch entry.kind {
		case "registry.open":
			vkey, ok := parseVkey(entry.fields.text("vkey"))
			if !ok || entry.fields.text("origin") != v.head.origin || vkey.name != v.head.origin {
				return "registry-open"
			}
			v.keys, v.since = append(v.keys, vkey), append(v.since, 1)
		case "key.rotate":
			from, to := v.keys[len(v.keys)-1], entry.fields.text("to")
			next, ok := parseVkey(to)
			signed, isNote := parseNote(entry.fields.text("note"))
			if !ok || !isNote || entry.fields.text("from") != from.text || next.name != v.head.origin ||
				signed.text != fmt.Sprintf("piste registry key v1\n%s\n%s\n%s\n", v.head.origin, from.text, to) ||
				!signed.signedBy(from) || !signed.signedBy(next) {
				return "registry-key"
			}
			v.keys, v.since = append(v.keys, next), append(v.since, int64(i+1))
		}
	}
	if len(v.keys) == 0 {
		return "registry-open"
	}
	return ""
}

// keyAt is the key that signs a checkpoint of this size.
func (v *registryView) keyAt(size int64) verifierKey {
	key := v.keys[0]
	for i, since := range v.since {
		if since <= size {
			key = v.keys[i]
		}
	}
	return key
}

func (v *registryView) rootAt(size int64) hash {
	var t tree
	for _, leaf := range v.hashes[:size] {
		t.add(leaf)
	}
	return t.root()
}

// tellTiles compares the hash tiles within the tree, and the order of time.
func (v *registryView) tellTiles(j *judge) {
	before := int64(0)
	for _, entry := range v.entries {
		value, _ := parseCanonical(entry.raw)
		now, _ := natural(value.(object)["t"])
		if now < before {
			j.tell(tampered, "registry-time", "")
			break
		}
		before = now
	}
	level := v.hashes
	for number := 0; len(level) > 0; number++ {
		for from := 0; from < len(level); from += tileWidth {
			width := min(len(level)-from, tileWidth)
			name := fmt.Sprintf("tile/%d/%s", number, tilePath(int64(from/tileWidth)))
			raw, here := v.load(name)
			if width < tileWidth {
				if partial, partly := v.load(fmt.Sprintf("%s.p/%d", name, width)); partly {
					raw, here = partial, true
				}
			}
			if !here {
				j.tell(remark, "registry-tile", "")
				continue
			}
			expected := []byte{}
			for _, h := range level[from : from+width] {
				expected = append(expected, h[:]...)
			}
			if !strings.HasPrefix(string(raw), string(expected)) {
				j.tell(tampered, "registry-tile", "")
			}
		}
		level = above(level)
	}
}

// above is the next level of tiles: the roots of full tiles.
func above(level []hash) (found []hash) {
	for from := 0; from+tileWidth <= len(level); from += tileWidth {
		var t tree
		for _, h := range level[from : from+tileWidth] {
			t.add(h)
		}
		found = append(found, t.root())
	}
	return found
}

func (v *registryView) tellCosigned(j *judge) {
	for name := range v.files {
		found := cosignName.FindStringSubmatch(name)
		if found == nil {
			continue
		}
		raw, _ := v.load(name)
		kept, signed, ok := parseKept(string(raw))
		if !ok || strconv.FormatInt(kept.size, 10) != found[1] || kept.origin != v.head.origin || !signed.signedBy(v.keyAt(kept.size)) {
			j.tell(inconclusive, "registry-cosigned", "")
		} else {
			j.compareKept(v, kept.size, kept.root)
		}
	}
}

func parseKept(raw string) (checkpoint, note, bool) {
	signed, ok := parseNote(raw)
	if !ok {
		return checkpoint{}, note{}, false
	}
	kept, ok := parseCheckpoint(signed.text)
	return kept, signed, ok && len(kept.more) == 0
}

func (j *judge) compareKept(v *registryView, size int64, root hash) {
	if size > v.head.size {
		j.tell(tampered, "registry-truncated", "")
	} else if v.rootAt(size) != root {
		j.tell(tampered, "registry-forked", "")
	}
}

func (j *judge) judgeRegistryTrust(v *registryView) {
	if j.trust.registry == nil {
		j.tell(remark, "untrusted-registry", "")
		return
	}
	for _, key := range v.keys {
		v.trusted = v.trusted || key.text == j.trust.registry.text
	}
	if !v.trusted {
		j.tell(tampered, "registry-key", "")
		return
	}
	for _, kept := range j.trust.kept {
		j.compareKept(v, kept.size, kept.root)
	}
	if j.trust.witnesses != "" {
		j.judgeQuorum(v)
	}
	j.believe(v)
}

// believe takes writers' keys and checkpoints as if they stood in the trust file.
func (j *judge) believe(v *registryView) {
	believed := *j.trust
	believed.writers = append([]verifierKey{}, j.trust.writers...)
	believed.checkpoints = append([]anchor{}, j.trust.checkpoints...)
	for _, entry := range v.entries {
		f := entry.fields
		switch entry.kind {
		case "writer.open":
			if vkey, ok := parseVkey(f.text("vkey")); ok {
				believed.writers = append(believed.writers, vkey)
			}
		case "writer.checkpoint", "writer.sealed", "writer.close":
			size, _ := natural(f["size"])
			root, ok := decodeRoot(f["root"])
			if !ok || size == 0 {
				continue
			}
			believed.keep(anchor{origin: f.text("origin"), size: size, root: root})
		}
	}
	j.trust = &believed
}

func (t *trust) keep(told anchor) {
	for i, kept := range t.checkpoints {
		if kept.origin == told.origin {
			if told.size > kept.size {
				t.checkpoints[i] = told
			}
			return
		}
	}
	t.checkpoints = append(t.checkpoints, told)
}

// judgeRegistered compares logs with what a trusted registry says of them.
func (j *judge) judgeRegistered() {
	v := j.registry
	if v == nil || !v.trusted {
		return
	}
	told := map[string]bool{}
	for _, f := range j.findings {
		told[f.Code+f.Log] = true
	}
	once := func(severity, code, log string) {
		if !told[code+log] {
			told[code+log] = true
			j.tell(severity, code, log)
		}
	}
	named := map[string]bool{}
	for _, entry := range v.entries {
		f := entry.fields
		switch entry.kind {
		case "shred":
			if !v.isAuthorized(entry) {
				j.tell(tampered, "shred-unauthorized", "")
			}
		case "writer.open", "writer.checkpoint", "writer.sealed", "writer.close":
			ulid := ulidOf(f.text("origin"))
			named[ulid] = true
			if log := j.logs[ulid]; log == nil {
				once(tampered, "missing-log", ulid)
			} else {
				j.compareRegistered(log, entry, once)
			}
		}
	}
	for ulid, log := range j.logs {
		if named[ulid] {
			continue
		}
		severity := remark
		for _, record := range log.records {
			switch record.kind {
			case "writer.open", "writer.sealed", closeKey, "clock.jump", "mode.change":
			default:
				severity = tampered
				if v.isYounger(ulid) {
					severity = inconclusive
				}
			}
		}
		once(severity, "unregistered-writer", ulid)
	}
}

// isYounger: a log may have begun after the registry was read, when its ULID's time is not before the newest entry.
func (v *registryView) isYounger(ulid string) bool {
	began, newest := int64(0), int64(0)
	for _, digit := range ulid[:10] {
		began = began*32 + int64(strings.IndexRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", digit))
	}
	for _, entry := range v.entries {
		value, _ := parseCanonical(entry.raw)
		now, _ := natural(value.(object)["t"])
		newest = max(newest, now)
	}
	return began >= newest
}

func (j *judge) compareRegistered(log *writerLog, entry registryEntry, once func(severity, code, log string)) {
	f, length := entry.fields, int64(len(log.records))
	if length > 0 && (log.origin != f.text("origin") || entry.kind == "writer.open" && log.vkey.text != f.text("vkey")) {
		once(tampered, "registry-mismatch", log.ulid)
		return
	}
	if entry.kind == "writer.open" {
		if length == 0 {
			once(tampered, "truncated", log.ulid)
		}
		return
	}
	size, _ := natural(f["size"])
	root, hasRoot := decodeRoot(f["root"])
	switch {
	case size > length:
		once(tampered, "truncated", log.ulid)
		return
	case hasRoot && size > 0 && log.rootAt(size) != root:
		once(tampered, "registry-mismatch", log.ulid)
		return
	case (size < length || !log.closed) && (entry.kind == "writer.close" || entry.kind == "writer.sealed" && f["closed"] == true):
		once(tampered, "registry-mismatch", log.ulid)
		return
	}
	if entry.kind != "writer.sealed" {
		return
	}
	torn, _ := natural(f["torn"])
	if size < length {
		once(inconclusive, "grew-after-seal", log.ulid)
	} else if torn != int64(len(log.tail)) {
		once(tampered, "registry-mismatch", log.ulid)
	}
}

// isAuthorized: two officers of the newest config before signed the shred with two different keys.
func (v *registryView) isAuthorized(shred registryEntry) bool {
	var officers []any
	for _, entry := range v.entries {
		if string(entry.raw) == string(shred.raw) {
			break
		}
		if entry.kind == "config" {
			officers, _ = entry.fields["officers"].([]any)
		}
	}
	text := fmt.Sprintf("piste shred v1\n%s\n%s\n%s\n", v.head.origin, quote(shred.fields.text("sid")), quote(shred.fields.text("reason")))
	signers := map[string]bool{}
	notes, _ := shred.fields["authorizations"].([]any)
	for _, raw := range notes {
		written, _ := raw.(string)
		signed, ok := parseNote(written)
		if !ok || signed.text != text {
			continue
		}
		for _, officer := range officers {
			name, _ := officer.(string)
			if key, ok := parseVkey(name); ok && signed.signedBy(key) {
				signers[string(key.key)] = true
			}
		}
	}
	return len(signers) >= 2
}

// erasedKey says whether a trusted registry shredded a key.
func (v *registryView) erasedKey(origin string, number int64) bool {
	if v == nil || !v.trusted {
		return false
	}
	for _, entry := range v.entries {
		if entry.kind != "shred" {
			continue
		}
		keys, _ := entry.fields["keys"].([]any)
		for _, item := range keys {
			if key, ok := item.(object); ok && key.text("origin") == origin && key["n"] == number {
				return true
			}
		}
	}
	return false
}

func (v *registryView) erasedBodies(origin string, number int64) bool {
	if v == nil || !v.trusted {
		return false
	}
	for _, entry := range v.entries {
		if entry.kind != "retention" {
			continue
		}
		bodies, _ := entry.fields["bodies"].([]any)
		for _, item := range bodies {
			gone, _ := item.(object)
			if segs, ok := gone["segs"].([]any); ok && gone.text("origin") == origin && isErased(segs, number) {
				return true
			}
		}
	}
	return false
}
