package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"sort"
	"strings"
)

const (
	frameHeader = 16
	maxGroup    = 68 << 20
	maxTail     = 136 << 20

	typeHeader = 1
	typeBody   = 2
	typeEntry  = 3
	typeCommit = 4
)

var maxPayload = map[byte]uint32{typeHeader: 4096, typeBody: maxPart, typeEntry: 65535, typeCommit: 4096}

// segmentFiles are the paths of one segment number; absent ones are empty.
type segmentFiles struct {
	number                   int64
	whole, records, archived string
}

// keyRecord is one session key of a log.
type keyRecord struct {
	index   int64
	sid     string
	hasSid  bool
	wrapped string
	blind   string
	used    int64
}

// writerLog is what reading one log alone (section 9) gives.
type writerLog struct {
	ulid, origin  string
	vkey          verifierKey
	hasKey        bool
	records       []*leaf
	tree          tree
	closed        bool
	damage        string // code of the broken rule
	torn          bool   // the broken rule is an interrupted write
	tail          []byte
	bodiesMissing []int64 // segments
	keys          []*keyRecord
	named         int64 // keys that records name, those of the group included in which reading ended

	lastCommit hash
	strands    map[string]*strand
}

type strand struct{ records []*leaf }

type broken struct{ code string }

type group struct {
	leaves  []*leaf
	inline  bool // body frames stood among the records
	pending [][]byte
	bytes   int
}

type frame struct {
	kind    byte
	payload []byte
	end     int
}

func nextFrame(data []byte, at int) (frame, bool) {
	if len(data)-at < frameHeader || string(data[at:at+4]) != "PSTR" {
		return frame{}, false
	}
	kind, length := data[at+4], binary.BigEndian.Uint32(data[at+8:])
	limit, known := maxPayload[kind]
	if !known || length > limit || data[at+5] != 0 || data[at+6] != 0 || data[at+7] != 0 || int(length) > len(data)-at-frameHeader {
		return frame{}, false
	}
	payload := data[at+frameHeader : at+frameHeader+int(length)]
	sum := crc32.Update(crc32.ChecksumIEEE(data[at:at+12]), crc32.IEEETable, payload)
	return frame{kind, payload, at + frameHeader + int(length)}, sum == binary.BigEndian.Uint32(data[at+12:])
}

func trimZeros(data []byte) []byte { return bytes.TrimRight(data, "\x00") }

// readLog reads a log's segments in order, up to the first broken rule.
func readLog(ulid string, files []segmentFiles) (*writerLog, error) {
	log := &writerLog{ulid: ulid, strands: map[string]*strand{}}
	sort.Slice(files, func(i, j int) bool { return files[i].number < files[j].number })
	for i, file := range files {
		if file.number != int64(i+1) || file.whole == "" && file.records == "" {
			log.damage = "missing-segment"
			return log, nil
		}
		if err := log.readSegment(file, i == len(files)-1); err != nil {
			return nil, err
		}
		if log.damage != "" {
			return log, nil
		}
	}
	return log, nil
}

// segment is the state of reading one segment.
type segment struct {
	log      *writerLog
	number   int64
	data     []byte
	at       int
	verified int // end of the last verified commit, or of the header
	archive  *archive
	commits  int
}

// archive is the second file of a segment in archived form; here is false where it was removed.
type archive struct {
	data []byte
	at   int
	here bool
}

func (log *writerLog) readSegment(file segmentFiles, last bool) error {
	path := file.whole
	if path == "" {
		path = file.records
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	s := &segment{log: log, number: file.number, data: data}
	if file.whole == "" {
		s.archive = &archive{}
		if file.archived != "" {
			s.archive.here = true
			if s.archive.data, err = os.ReadFile(file.archived); err != nil {
				return err
			}
		}
	} else if last {
		s.data = trimZeros(data)
	}
	if code := s.read(); code != "" {
		log.damage = code
		log.tail = s.data[s.verified:]
		if s.archive == nil {
			log.tail = trimZeros(log.tail)
		}
		log.torn = last && s.isInterrupted(code)
	} else if !last && s.commits == 0 {
		log.damage = "empty-segment"
	}
	return nil
}

func (s *segment) read() (code string) {
	defer func() {
		if problem := recover(); problem != nil {
			rule, ok := problem.(broken)
			if !ok {
				panic(problem)
			}
			code = rule.code
		}
	}()
	s.readHeader()
	current := &group{}
	for s.at < len(s.data) {
		next, ok := nextFrame(s.data, s.at)
		if !ok {
			panic(broken{"bad-frame"})
		}
		s.at = next.end
		current.bytes += len(next.payload)
		if current.bytes > maxGroup {
			panic(broken{"group-too-large"})
		}
		switch next.kind {
		case typeHeader:
			panic(broken{"stray-header"})
		case typeBody:
			current.pending = append(current.pending, next.payload)
			current.inline = true
		case typeEntry:
			s.readEntry(current, next.payload)
		case typeCommit:
			s.readCommit(current, next.payload)
			current = &group{}
			s.verified = s.at
			s.commits++
		}
	}
	if len(current.leaves) > 0 || len(current.pending) > 0 {
		panic(broken{"no-commit"})
	}
	if s.archive != nil && s.archive.here && s.archive.at < len(s.archive.data) {
		if _, ok := nextFrame(s.archive.data, s.archive.at); !ok {
			panic(broken{"bad-frame"})
		}
		panic(broken{"stray-body"})
	}
	return ""
}

func (s *segment) readHeader() {
	if len(s.data) == 0 {
		panic(broken{"no-header"})
	}
	head, ok := nextFrame(s.data, 0)
	if !ok {
		panic(broken{"bad-frame"})
	}
	if head.kind != typeHeader {
		panic(broken{"bad-header"})
	}
	if s.log.closed {
		panic(broken{"after-close"})
	}
	origin := s.log.origin
	if s.number == 1 {
		value, _ := parseCanonical(head.payload)
		members, _ := value.(object)
		origin = members.text("origin")
		if !strings.HasSuffix(origin, "/w/"+s.log.ulid) || strings.HasPrefix(origin, "/") || !isKeyName(origin) {
			panic(broken{"bad-header"})
		}
	}
	expected := fmt.Sprintf(`{"first":%d,"format":"piste-recording","origin":%s,"prev":"%s","seg":%d,"v":1}`,
		len(s.log.records), quote(origin), base64.StdEncoding.EncodeToString(s.log.lastCommit[:]), s.number)
	if string(head.payload) != expected {
		panic(broken{"bad-header"})
	}
	if s.archive != nil && s.archive.here {
		if other, ok := nextFrame(s.archive.data, 0); !ok {
			panic(broken{"bad-frame"})
		} else if other.kind != typeHeader || !bytes.Equal(other.payload, head.payload) {
			panic(broken{"bad-header"})
		} else {
			s.archive.at = other.end
		}
	}
	s.log.origin = origin
	s.at, s.verified = head.end, head.end
}

func (s *segment) readEntry(current *group, payload []byte) {
	record := parseLeaf(payload)
	if record == nil {
		panic(broken{"bad-leaf"})
	}
	if s.archive == nil || current.inline {
		takeBodies(record, current.pending)
		current.pending = nil
	}
	current.leaves = append(current.leaves, record)
}

func takeBodies(record *leaf, stored [][]byte) {
	if len(stored) != len(record.parts) {
		panic(broken{"body-mismatch"})
	}
	for i, p := range record.parts {
		digest := sha256.Sum256(stored[i])
		if int64(len(stored[i])) != p.length || hex.EncodeToString(digest[:]) != p.digest {
			panic(broken{"body-mismatch"})
		}
		if !p.encrypted {
			record.bodies[p.name] = append(record.bodies[p.name], stored[i]...)
			if record.bodies[p.name] == nil {
				record.bodies[p.name] = []byte{}
			}
		}
	}
}

// takeArchived takes a record's bodies from the archive's second file.
func (s *segment) takeArchived(record *leaf) {
	if len(record.parts) > 0 && !s.archive.here {
		if n := len(s.log.bodiesMissing); n == 0 || s.log.bodiesMissing[n-1] != s.number {
			s.log.bodiesMissing = append(s.log.bodiesMissing, s.number)
		}
		return
	}
	var stored [][]byte
	for range record.parts {
		if s.archive.at == len(s.archive.data) {
			break
		}
		next, ok := nextFrame(s.archive.data, s.archive.at)
		if !ok || next.kind != typeBody {
			panic(broken{"bad-frame"})
		}
		s.archive.at = next.end
		stored = append(stored, next.payload)
	}
	takeBodies(record, stored)
}

func (s *segment) readCommit(current *group, payload []byte) {
	if len(current.leaves) == 0 || len(current.pending) > 0 {
		panic(broken{"stray-commit"})
	}
	if s.archive != nil {
		if current.inline {
			panic(broken{"stray-body"})
		}
		for _, record := range current.leaves {
			s.takeArchived(record)
		}
	}
	log := s.log
	vkey := log.vkey
	if len(log.records) == 0 {
		open := current.leaves[0]
		found, ok := parseVkey(open.fields.text("vkey"))
		if open.kind != "writer.open" || open.fields.text("origin") != log.origin || !ok || found.name != log.origin {
			panic(broken{"bad-open"})
		}
		vkey = found
	}
	signed, ok := parseNote(string(payload))
	if !ok || len(signed.signatures) != 1 || !signed.signedBy(vkey) {
		panic(broken{"bad-signature"})
	}
	claimed, ok := parseCheckpoint(signed.text)
	if !ok || claimed.origin != log.origin || claimed.size != int64(len(log.records)+len(current.leaves)) || len(claimed.more) != 1 {
		panic(broken{"bad-commit"})
	}
	grown := tree{log.tree.size, append([]hash{}, log.tree.edges...)}
	for _, record := range current.leaves {
		grown.add(record.hash)
	}
	if claimed.root != grown.root() {
		panic(broken{"root-mismatch"})
	}
	if claimed.more[0] != "prev "+encodeBase64(log.lastCommit[:]) {
		panic(broken{"commit-chain"})
	}
	for i, record := range current.leaves {
		record.index = int64(len(log.records) + i)
	}
	rules := newRules(log)
	for _, record := range current.leaves {
		rules.check(record)
	}
	rules.apply()
	log.records = append(log.records, current.leaves...)
	log.tree, log.vkey, log.hasKey, log.lastCommit = grown, vkey, true, sha256.Sum256(payload)
}

// isInterrupted says whether a broken rule can be what a write cut short left.
func (s *segment) isInterrupted(code string) bool {
	log := s.log
	if code != "bad-frame" && code != "no-commit" && code != "no-header" || log.closed || len(log.tail) > maxTail {
		return false
	}
	if s.archive != nil && s.archive.here && s.archive.at != len(s.archive.data) {
		return false
	}
	if !log.hasKey {
		return true
	}
	for at := 0; at+frameHeader <= len(log.tail); at++ {
		if string(log.tail[at:at+4]) != "PSTR" || log.tail[at+4] != typeCommit {
			continue
		}
		length := int(binary.BigEndian.Uint32(log.tail[at+8:]))
		if length > 4096 || at+frameHeader+length > len(log.tail) {
			continue
		}
		signed, ok := parseNote(string(log.tail[at+frameHeader : at+frameHeader+length]))
		if !ok || !signed.signedBy(log.vkey) {
			continue
		}
		claimed, ok := parseCheckpoint(signed.text)
		if !ok || claimed.size <= int64(len(log.records)) {
			continue
		}
		atEnd := at+frameHeader+length == len(log.tail)
		if !atEnd || len(claimed.more) != 1 || claimed.more[0] != "prev "+encodeBase64(log.lastCommit[:]) {
			return false
		}
	}
	return true
}

// rootAt is the tree's root at a size within the log.
func (log *writerLog) rootAt(size int64) hash {
	var t tree
	for _, record := range log.records[:size] {
		t.add(record.hash)
	}
	return t.root()
}
