package main

import (
	"regexp"
)

const (
	maxPart  = 1 << 20
	gcmTag   = 16
	maxSid   = 256
	closeKey = "writer.close"
)

var (
	bodyName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	kinds    = map[string]bool{}
)

func init() {
	for _, kind := range []string{"writer.open", "writer.sealed", "writer.close", "clock.jump", "session.open", "key", "mode.change", "gap",
		"session.close", "session.refused", "request", "request.refused", "approval.request", "approval.vote", "decision", "response",
		"response.withheld", "chunk", "chunk.piece", "control", "reconcile", "policy.loaded", "policy.rejected", "admin.access"} {
		kinds[kind] = true
	}
}

type part struct {
	name               string
	number, length     int64
	digest             string
	encrypted          bool
	key, counter, open int64
}

type link struct {
	origin string
	number int64
	head   string
}

// leaf is one record, section 3.
type leaf struct {
	kind     string
	wall     int64
	mono     int64
	sid      string
	hasSid   bool
	number   int64
	previous string
	links    []link
	unlinked bool
	permit   string
	parts    []part
	fields   object
	hash     hash
	index    int64
	bodies   map[string][]byte // plain bodies, nil where they are not here
	blind    string            // tag of the blind its digests are under, empty where they are plain
}

// parseLeaf answers nil for bytes that are not a record.
func parseLeaf(raw []byte) *leaf {
	value, err := parseCanonical(raw)
	members, ok := value.(object)
	if err != nil || !ok || members["v"] != int64(1) {
		return nil
	}
	l := &leaf{hash: leafHash(raw), bodies: map[string][]byte{}}
	seen := 1
	for name, value := range members {
		good := false
		switch name {
		case "v":
			good = true
		case "k":
			l.kind, good = value.(string)
			good = good && kinds[l.kind]
			seen++
		case "t":
			l.wall, good = natural(value)
			seen++
		case "m":
			l.mono, good = natural(value)
			seen++
		case "sid":
			l.sid, l.hasSid = value.(string)
			good = l.hasSid && l.sid != "" && utf16Length(l.sid) <= maxSid
		case "ss":
			l.number, good = natural(value)
		case "sp":
			l.previous, _ = value.(string)
			good = isHash(value)
		case "ln":
			good = l.takeLinks(value)
		case "st":
			l.permit, _ = value.(string)
			good = isHash(value)
		case "b":
			good = l.takeParts(value)
		case "f":
			l.fields, good = value.(object)
			good = good && len(l.fields) > 0
		}
		if !good {
			return nil
		}
	}
	_, hasNumber := members["ss"]
	_, hasPrevious := members["sp"]
	_, hasLinks := members["ln"]
	if seen != 4 || hasNumber != l.hasSid || hasPrevious && !l.hasSid || hasLinks && (!hasNumber || l.number != 0) {
		return nil
	}
	if hasNumber && hasPrevious != (l.number > 0) {
		return nil
	}
	return l
}

func natural(value any) (int64, bool) {
	number, ok := value.(int64)
	return number, ok && number >= 0
}

func toLink(value any) (link, bool) {
	item, ok := value.([]any)
	if !ok || len(item) != 3 {
		return link{}, false
	}
	origin, isText := item[0].(string)
	number, isNatural := natural(item[1])
	head, hasHead := item[2].(string)
	return link{origin, number, head}, isText && isNatural && hasHead
}

func (l *leaf) takeLinks(value any) bool {
	if value == "unknown" {
		l.unlinked = true
		return true
	}
	items, ok := value.([]any)
	if !ok || len(items) == 0 {
		return false
	}
	origins := map[string]bool{}
	for _, item := range items {
		found, ok := toLink(item)
		if !ok || !isHash(found.head) || origins[found.origin] {
			return false
		}
		origins[found.origin] = true
		l.links = append(l.links, found)
	}
	return true
}

func (l *leaf) takeParts(value any) bool {
	items, ok := value.([]any)
	if !ok || len(items) == 0 {
		return false
	}
	names := map[string]bool{}
	for _, item := range items {
		members, ok := item.(object)
		if !ok {
			return false
		}
		p, ok := toPart(members)
		if !ok {
			return false
		}
		if p.number == 0 {
			if names[p.name] {
				return false
			}
			names[p.name] = true
		} else {
			if len(l.parts) == 0 {
				return false
			}
			before := l.parts[len(l.parts)-1]
			if before.name != p.name || before.number+1 != p.number || before.length != maxPart || p.length == 0 || before.encrypted != p.encrypted {
				return false
			}
			if p.encrypted && p.open == 0 {
				return false
			}
		}
		l.parts = append(l.parts, p)
	}
	return true
}

func toPart(members object) (p part, ok bool) {
	var good [8]bool
	p.name, good[0] = members["n"].(string)
	p.number, good[1] = natural(members["p"])
	p.length, good[2] = natural(members["len"])
	p.digest, _ = members["d"].(string)
	if !good[0] || !good[1] || !good[2] || !isHash(members["d"]) || !bodyName.MatchString(p.name) || p.length > maxPart {
		return p, false
	}
	switch members["enc"] {
	case "raw":
		return p, len(members) == 5
	case "gcm":
		p.encrypted = true
		p.counter, good[3] = natural(members["c"])
		p.key, good[4] = natural(members["key"])
		p.open, good[5] = natural(members["o"])
		return p, len(members) == 8 && good[3] && good[4] && good[5] && p.length == p.open+gcmTag
	}
	return p, false
}

func (f object) text(name string) string {
	text, _ := f[name].(string)
	return text
}

func (f object) at(name string) object {
	inner, _ := f[name].(object)
	return inner
}
