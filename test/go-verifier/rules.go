package main

import "encoding/hex"

// rules checks the records of one group (section 9, step 5); nothing changes in the log before all of them passed.
type rules struct {
	log     *writerLog
	wall    int64
	mono    int64
	count   int64
	closed  bool
	keys    []*keyRecord
	strands map[string][]*leaf
}

func newRules(log *writerLog) *rules {
	r := &rules{log: log, count: int64(len(log.records)), closed: log.closed, strands: map[string][]*leaf{}}
	if r.count > 0 {
		last := log.records[r.count-1]
		r.wall, r.mono = last.wall, last.mono
	}
	for _, key := range log.keys {
		copied := *key
		r.keys = append(r.keys, &copied)
	}
	return r
}

func (r *rules) check(record *leaf) {
	if r.closed {
		panic(broken{"after-close"})
	}
	if (record.kind == "writer.open") != (r.count == 0) {
		panic(broken{"bad-open"})
	}
	if record.wall < r.wall || record.mono < r.mono {
		panic(broken{"time-decreases"})
	}
	r.wall, r.mono, r.closed = record.wall, record.mono, record.kind == closeKey
	if record.kind == "key" {
		r.takeKey(record)
	}
	for _, key := range r.keys {
		if key.hasSid == record.hasSid && key.sid == record.sid {
			record.blind = key.blind
		}
	}
	for _, p := range record.parts {
		if p.encrypted {
			r.useKey(record, p)
		}
	}
	if record.hasSid {
		r.extendStrand(record)
	}
	r.count++
}

func (r *rules) takeKey(record *leaf) {
	number, isNumber := natural(record.fields["n"])
	recipients, isList := record.fields["recipients"].([]any)
	good := isNumber && number == int64(len(r.keys)) && isHash(record.fields["wrapped"]) && isHash(record.fields["check"]) && isHash(record.fields["blind"]) && isList && len(recipients) > 0
	for _, recipient := range recipients {
		_, isText := recipient.(string)
		good = good && isText
	}
	if !good {
		panic(broken{"bad-key"})
	}
	r.log.named = number + 1
	r.keys = append(r.keys, &keyRecord{index: record.index, sid: record.sid, hasSid: record.hasSid, wrapped: record.fields.text("wrapped"), blind: record.fields.text("blind")})
}

func (r *rules) useKey(record *leaf, p part) {
	if p.key >= int64(len(r.keys)) {
		panic(broken{"key-unknown"})
	}
	key := r.keys[p.key]
	if key.hasSid != record.hasSid || key.sid != record.sid {
		panic(broken{"key-of-other-session"})
	}
	if p.counter != key.used {
		panic(broken{"bad-counter"})
	}
	key.used++
}

func (r *rules) extendStrand(record *leaf) {
	var before []*leaf
	if known := r.log.strands[record.sid]; known != nil {
		before = known.records
	}
	added := r.strands[record.sid]
	number := int64(len(before) + len(added))
	previous := ""
	if len(added) > 0 {
		previous = hex.EncodeToString(added[len(added)-1].hash[:])
	} else if len(before) > 0 {
		previous = hex.EncodeToString(before[len(before)-1].hash[:])
	}
	if record.number != number || record.previous != previous {
		panic(broken{"strand-broken"})
	}
	r.strands[record.sid] = append(added, record)
}

func (r *rules) apply() {
	r.log.closed, r.log.keys = r.closed, r.keys
	for sid, added := range r.strands {
		if r.log.strands[sid] == nil {
			r.log.strands[sid] = &strand{}
		}
		r.log.strands[sid].records = append(r.log.strands[sid].records, added...)
	}
}
