package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

const (
	tampered      = "tampered"
	inconclusive  = "cannot-conclude"
	remark        = "note"
	sound         = "sound"
	registryPlace = "registry"
)

type finding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Log      string `json:"log,omitempty"`
	Index    *int64 `json:"index,omitempty"`
}

type summary struct {
	Ulid     string `json:"ulid"`
	Trusted  bool   `json:"trusted"`
	Records  int64  `json:"records"`
	Proven   int64  `json:"proven"`
	Complete bool   `json:"complete"`
}

type verdict struct {
	Outcome  string    `json:"outcome"`
	Findings []finding `json:"findings"`
	Logs     []summary `json:"logs"`
}

type seal struct {
	by         string
	origin     string
	vkey       string
	size       int64
	root       any
	torn       int64
	tornDigest string
}

// logFiles is a log's folder.
type logFiles struct {
	ulid     string
	path     string
	segments []segmentFiles
	keys     map[int64]string
}

type judge struct {
	trust    *trust
	findings []finding
	files    []logFiles
	logs     map[string]*writerLog
	seals    map[string][]seal
	trusted  map[string]bool
	proven   map[string]int64
	registry *registryView
}

func (j *judge) tell(severity, code, log string) {
	j.findings = append(j.findings, finding{Severity: severity, Code: code, Log: log})
}

func (j *judge) tellAt(severity, code, log string, index int64) {
	j.findings = append(j.findings, finding{severity, code, log, &index})
}

// verify judges one recording by a trust file.
func verify(directory string, t *trust) (*verdict, error) {
	j := &judge{trust: t, logs: map[string]*writerLog{}, seals: map[string][]seal{}, trusted: map[string]bool{}, proven: map[string]int64{}}
	if err := j.list(directory); err != nil {
		return nil, err
	}
	if err := j.readRegistry(filepath.Join(directory, registryPlace)); err != nil {
		return nil, err
	}
	sort.Slice(j.files, func(a, b int) bool { return j.files[a].ulid < j.files[b].ulid })
	for _, files := range j.files {
		log, err := readLog(files.ulid, files.segments)
		if err != nil {
			return nil, err
		}
		j.logs[files.ulid] = log
	}
	if len(j.files) == 0 {
		j.tell(inconclusive, "no-logs", "")
	}
	for i := len(j.files) - 1; i >= 0; i-- {
		if err := j.judgeLog(j.files[i]); err != nil {
			return nil, err
		}
	}
	j.missingLogs()
	j.judgeRegistered()
	j.judgeLinks()
	j.judgeStatements()
	return j.verdict(), nil
}

func (j *judge) verdict() *verdict {
	result := &verdict{Outcome: sound, Findings: j.findings, Logs: []summary{}}
	if result.Findings == nil {
		result.Findings = []finding{}
	}
	for _, f := range j.findings {
		if f.Severity == tampered || f.Severity == inconclusive && result.Outcome == sound {
			result.Outcome = f.Severity
		}
	}
	for _, files := range j.files {
		log := j.logs[files.ulid]
		observed, gap := log.saysOfItself()
		result.Logs = append(result.Logs, summary{files.ulid, j.trusted[files.ulid], int64(len(log.records)), j.proven[files.ulid], log.closed && !observed && gap == 0})
	}
	return result
}

var (
	segmentFile = regexp.MustCompile(`^([0-9]{8})\.(seg|sfr|sfb)$`)
	keyFile     = regexp.MustCompile(`^(0|[1-9][0-9]{0,14})\.age$`)
)

func (j *judge) list(directory string) error {
	entries, err := os.ReadDir(directory)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == registryPlace:
		case entry.IsDir() && ulidPattern.MatchString(name):
			files, err := j.listLog(name, filepath.Join(directory, name))
			if err != nil {
				return err
			}
			j.files = append(j.files, files)
		default:
			j.tell(remark, "not-a-log", "")
		}
	}
	return nil
}

func (j *judge) listLog(ulid, path string) (logFiles, error) {
	files := logFiles{ulid: ulid, path: path, keys: map[int64]string{}}
	entries, err := os.ReadDir(path)
	if err != nil {
		return files, err
	}
	segments := map[int64]*segmentFiles{}
	for _, entry := range entries {
		name := entry.Name()
		if name == "keys" && entry.IsDir() {
			if err := j.listKeys(&files); err != nil {
				return files, err
			}
			continue
		}
		found := segmentFile.FindStringSubmatch(name)
		if found == nil || found[1] == "00000000" {
			j.tell(inconclusive, "unknown-file", ulid)
			continue
		}
		number, _ := strconv.ParseInt(found[1], 10, 64)
		if segments[number] == nil {
			segments[number] = &segmentFiles{number: number}
		}
		full := filepath.Join(path, name)
		switch found[2] {
		case "seg":
			segments[number].whole = full
		case "sfr":
			segments[number].records = full
		default:
			segments[number].archived = full
		}
	}
	for _, s := range segments {
		if s.whole != "" && (s.records != "" || s.archived != "") {
			j.tell(inconclusive, "duplicate-segment", ulid)
		}
		files.segments = append(files.segments, *s)
	}
	return files, nil
}

func (j *judge) listKeys(files *logFiles) error {
	entries, err := os.ReadDir(filepath.Join(files.path, "keys"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		found := keyFile.FindStringSubmatch(entry.Name())
		if found == nil {
			j.tell(inconclusive, "unknown-file", files.ulid)
			continue
		}
		number, _ := strconv.ParseInt(found[1], 10, 64)
		files.keys[number] = filepath.Join(files.path, "keys", entry.Name())
	}
	return nil
}

func (j *judge) judgeLog(files logFiles) error {
	log := j.logs[files.ulid]
	size := int64(len(log.records))
	j.tellDamage(log)
	j.trusted[log.ulid] = j.judgeKey(log)
	j.judgeCertificate(log)
	proven := int64(0)
	largest := int64(0)
	for _, kept := range j.checkpointsOf(log.ulid) {
		largest = max(largest, kept.size)
		proven = max(proven, kept.size)
		if kept.size > size {
			j.tell(tampered, "truncated", log.ulid)
		} else if kept.origin != log.origin || kept.root != log.rootAt(kept.size) {
			j.tell(tampered, "checkpoint-mismatch", log.ulid)
		}
	}
	for _, s := range j.seals[log.ulid] {
		proven = max(proven, s.size)
		j.judgeSeal(log, s)
	}
	if !log.closed && size > 0 {
		if largest == 0 {
			j.tell(inconclusive, "open-log", log.ulid)
		} else if largest <= size {
			j.tell(remark, "open-log", log.ulid)
		}
	}
	if log.closed {
		proven = size
	}
	if j.trusted[log.ulid] {
		j.proven[log.ulid] = min(proven, size)
		j.takeSeals(log)
	}
	for range log.bodiesMissing {
		j.tellBodiesMissing(log)
	}
	j.tellItself(log)
	return j.judgeKeyFiles(files, log)
}

func (j *judge) tellDamage(log *writerLog) {
	switch {
	case log.damage == "":
	case !log.torn:
		j.tellAt(tampered, log.damage, log.ulid, int64(len(log.records)))
	case j.sealedLike(log):
		j.tell(remark, "torn-tail", log.ulid)
	default:
		j.tell(inconclusive, "torn-tail", log.ulid)
	}
}

func (j *judge) sealedLike(log *writerLog) bool {
	for _, s := range j.seals[log.ulid] {
		if s.size == int64(len(log.records)) && s.sameTail(log) {
			return true
		}
	}
	return false
}

func (s seal) sameTail(log *writerLog) bool {
	digest := ""
	if len(log.tail) > 0 {
		sum := sha256.Sum256(log.tail)
		digest = hex.EncodeToString(sum[:])
	}
	return s.torn == int64(len(log.tail)) && s.tornDigest == digest
}

func (j *judge) holdsOtherKey(log *writerLog) bool {
	for _, key := range j.trust.writers {
		if ulidOf(key.name) == log.ulid && (!log.hasKey || key.text != log.vkey.text) {
			return true
		}
	}
	return false
}

// judgeKey says whether a log is trusted, and why not.
func (j *judge) judgeKey(log *writerLog) bool {
	if log.hasKey {
		for _, key := range j.trust.writers {
			if key.text == log.vkey.text {
				return true
			}
		}
		if j.hasCertificate(log) && !j.holdsOtherKey(log) {
			return true
		}
	}
	switch {
	case j.holdsOtherKey(log) && log.hasKey:
		j.tell(tampered, "wrong-key", log.ulid)
	case j.holdsOtherKey(log):
		j.tell(tampered, "truncated", log.ulid)
	case log.hasKey:
		j.tell(inconclusive, "untrusted-writer", log.ulid)
	case j.sealedLike(log):
		j.tell(remark, "empty-log", log.ulid)
	default:
		j.tell(inconclusive, "empty-log", log.ulid)
	}
	return false
}

// identities are the keys that may certify writers: all that a trusted registry ever had, else the one of the trust file.
func (j *judge) identities() []verifierKey {
	if j.registry != nil && j.registry.trusted {
		return j.registry.keys
	}
	return []verifierKey{*j.trust.registry}
}

// hasCertificate: the log's writer.open carries a certificate that the deployment's identity signed.
func (j *judge) hasCertificate(log *writerLog) bool {
	if j.trust.registry == nil || !log.hasKey {
		return false
	}
	signed, ok := parseNote(log.records[0].fields.text("cert"))
	if !ok || len(signed.signatures) != 1 || signed.text != "piste writer v1\n"+log.origin+"\n"+log.vkey.text+"\n" {
		return false
	}
	for _, identity := range j.identities() {
		if signed.signedBy(identity) {
			return true
		}
	}
	return false
}

func (j *judge) judgeCertificate(log *writerLog) {
	if j.trust.registry == nil || !log.hasKey {
		return
	}
	if _, here := log.records[0].fields["cert"]; here && !j.hasCertificate(log) {
		j.tell(tampered, "bad-certificate", log.ulid)
	}
}

func (j *judge) checkpointsOf(ulid string) (found []anchor) {
	for _, kept := range j.trust.checkpoints {
		if ulidOf(kept.origin) == ulid {
			found = append(found, kept)
		}
	}
	return found
}

func (j *judge) judgeSeal(log *writerLog, s seal) {
	size := int64(len(log.records))
	root, isRoot := decodeRoot(s.root)
	switch {
	case s.size > size:
		j.tell(tampered, "truncated", log.ulid)
	case s.size > 0 && (!isRoot || root != log.rootAt(s.size) || s.vkey != log.vkey.text || s.origin != log.origin):
		j.tell(tampered, "seal-mismatch", log.ulid)
	case s.size < size:
		j.tell(inconclusive, "grew-after-seal", log.ulid)
	case !s.sameTail(log):
		j.tell(tampered, "seal-mismatch", log.ulid)
	}
}

// takeSeals keeps what a trusted log says of others; a record without origin, size, closed and torn is no seal.
func (j *judge) takeSeals(log *writerLog) {
	for _, record := range log.records {
		f := record.fields
		origin, hasOrigin := f["origin"].(string)
		size, hasSize := natural(f["size"])
		_, hasClosed := f["closed"].(bool)
		torn, hasTorn := f["torn"].(int64)
		if record.kind == "writer.sealed" && hasOrigin && hasSize && hasClosed && hasTorn {
			ulid := origin[strings.LastIndex(origin, "/")+1:]
			j.seals[ulid] = append(j.seals[ulid], seal{log.ulid, origin, f.text("vkey"), size, f["root"], torn, f.text("tornDigest")})
		}
	}
}

func (j *judge) missingLogs() {
	told := map[string]bool{}
	miss := func(ulid, severity string) {
		if ulid != "" && j.logs[ulid] == nil && !told[ulid] {
			told[ulid] = true
			j.tell(severity, "missing-log", ulid)
		}
	}
	for _, kept := range j.trust.checkpoints {
		miss(ulidOf(kept.origin), tampered)
	}
	for _, kept := range j.trust.kept {
		if j.trust.registry == nil || kept.origin != j.trust.registry.name {
			j.tell(tampered, "missing-log", kept.origin[strings.LastIndex(kept.origin, "/")+1:])
		}
	}
	for ulid, seals := range j.seals {
		for _, s := range seals {
			if s.size > 0 {
				miss(ulid, tampered)
			}
		}
	}
	for _, key := range j.trust.writers {
		miss(ulidOf(key.name), inconclusive)
	}
}

func (log *writerLog) saysOfItself() (observed bool, gaps int) {
	for _, record := range log.records {
		switch record.kind {
		case "gap":
			gaps++
		case "writer.open", "mode.change":
			observed = observed || record.fields.text("mode") == "observe"
		}
	}
	return observed, gaps
}

func (j *judge) tellItself(log *writerLog) {
	changed, lost := false, false
	for _, record := range log.records {
		if record.kind == "gap" && !lost {
			lost = true
			j.tellAt(remark, "gap", log.ulid, record.index)
		}
		changed = changed || record.kind == "mode.change"
	}
	if changed {
		j.tell(remark, "mode-change", log.ulid)
	}
	if observed, _ := log.saysOfItself(); observed {
		j.tell(remark, "observe-mode", log.ulid)
	}
}

func (j *judge) judgeKeyFiles(files logFiles, log *writerLog) error {
	for number, key := range log.keys {
		path, here := files.keys[int64(number)]
		if !here {
			severity := inconclusive
			if j.registry.erasedKey(log.origin, int64(number)) {
				severity = remark
			}
			j.tellAt(severity, "key-missing", log.ulid, key.index)
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(raw)
		if hex.EncodeToString(digest[:]) != key.wrapped {
			j.tellAt(tampered, "key-mismatch", log.ulid, key.index)
		}
	}
	for number := range files.keys {
		if number >= log.named {
			severity := remark
			if log.closed {
				severity = inconclusive
			}
			j.tell(severity, "unknown-key", log.ulid)
		}
	}
	return nil
}

func (j *judge) tellBodiesMissing(log *writerLog) {
	severity := remark
	for _, number := range log.bodiesMissing {
		if !j.registry.erasedBodies(log.origin, number) {
			severity = inconclusive
		}
	}
	j.tell(severity, "bodies-missing", log.ulid)
	log.bodiesMissing = nil
}

// judgeLinks follows what records say of the same session's records in other logs.
func (j *judge) judgeLinks() {
	unlinked := false
	for _, files := range j.files {
		for _, record := range j.logs[files.ulid].records {
			unlinked = unlinked || record.unlinked
			links := append([]link{}, record.links...)
			if strands, ok := record.fields["strands"].([]any); ok && record.kind == "session.close" {
				for _, item := range strands {
					if found, ok := toLink(item); ok && found.number > 0 {
						found.number--
						links = append(links, found)
					}
				}
			}
			for _, l := range links {
				j.judgeLink(files.ulid, record, l)
			}
		}
	}
	if unlinked {
		j.tell(remark, "unlinked-strand", "")
	}
}

func (j *judge) judgeLink(ulid string, record *leaf, l link) {
	other := j.logs[ulidOf(l.origin)]
	if other == nil || other.origin != l.origin {
		j.tellAt(inconclusive, "link-unresolved", ulid, record.index)
		return
	}
	there := other.strands[record.sid]
	if there == nil || l.number >= int64(len(there.records)) {
		j.tellAt(tampered, "link-unresolved", ulid, record.index)
	} else if head := there.records[l.number].hash; hex.EncodeToString(head[:]) != l.head {
		j.tellAt(tampered, "link-mismatch", ulid, record.index)
	}
}

func isErased(segments []any, number int64) bool {
	for i := 0; i+1 < len(segments); i += 2 {
		first, isFirst := natural(segments[i])
		last, isLast := natural(segments[i+1])
		if isFirst && isLast && first <= number && number <= last {
			return true
		}
	}
	return false
}
