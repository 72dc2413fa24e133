package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// policy is a c2sp.org/tlog-policy: witnesses, groups of them, and which of both are enough.
type policy struct {
	witnesses map[string]cosigner
	groups    map[string]quorumGroup
	quorum    string
}

type cosigner struct {
	name string
	id   [4]byte
	key  ed25519.PublicKey
}

type quorumGroup struct {
	needed  int
	members []string
}

func parseCosigner(text string) (cosigner, bool) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 || !isKeyName(parts[0]) || len(parts[1]) != 8 || !isHex(parts[1]) {
		return cosigner{}, false
	}
	body, ok := decodeBase64(parts[2])
	if !ok || len(body) < 2 {
		return cosigner{}, false
	}
	found := cosigner{name: parts[0]}
	digest := sha256.Sum256([]byte(parts[0] + "\n" + string(body)))
	copy(found.id[:], digest[:4])
	if fmt.Sprintf("%x", found.id) != parts[1] {
		return cosigner{}, false
	}
	if body[0] == 4 && len(body) == 33 {
		found.key = body[1:]
	}
	return found, true
}

func parsePolicy(text string) (*policy, bool) {
	p := &policy{witnesses: map[string]cosigner{}, groups: map[string]quorumGroup{}}
	known := func(name string) bool {
		_, isWitness := p.witnesses[name]
		_, isGroup := p.groups[name]
		return isWitness || isGroup
	}
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		switch words[0] {
		case "log":
			if len(words) < 2 {
				return nil, false
			}
		case "witness":
			if len(words) < 3 || len(words) > 4 || known(words[1]) || words[1] == "none" {
				return nil, false
			}
			witness, ok := parseCosigner(words[2])
			if !ok {
				return nil, false
			}
			p.witnesses[words[1]] = witness
		case "group":
			if len(words) < 4 || known(words[1]) || words[1] == "none" {
				return nil, false
			}
			needed, err := strconv.Atoi(words[2])
			switch words[2] {
			case "any":
				needed, err = 1, nil
			case "all":
				needed, err = len(words)-3, nil
			}
			if err != nil || needed < 1 || needed > len(words)-3 {
				return nil, false
			}
			for _, member := range words[3:] {
				if !known(member) {
					return nil, false
				}
			}
			p.groups[words[1]] = quorumGroup{needed, words[3:]}
		case "quorum":
			if len(words) != 2 || p.quorum != "" || words[1] != "none" && !known(words[1]) {
				return nil, false
			}
			p.quorum = words[1]
		default:
			return nil, false
		}
	}
	return p, p.quorum != ""
}

func (p *policy) met(name string, signed note) bool {
	if name == "none" {
		return true
	}
	if witness, ok := p.witnesses[name]; ok {
		return witness.cosigned(signed)
	}
	group, count := p.groups[name], 0
	for _, member := range group.members {
		if p.met(member, signed) {
			count++
		}
	}
	return count >= group.needed
}

func (w cosigner) cosigned(signed note) bool {
	for _, s := range signed.signatures {
		if s.name != w.name || string(s.bytes[:4]) != string(w.id[:]) || len(s.bytes) != 4+8+64 || w.key == nil {
			continue
		}
		seconds := binary.BigEndian.Uint64(s.bytes[4:])
		if ed25519.Verify(w.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", seconds, signed.text)), s.bytes[12:]) {
			return true
		}
	}
	return false
}

// judgeQuorum looks for the newest checkpoint that enough witnesses cosigned.
func (j *judge) judgeQuorum(v *registryView) {
	p, ok := parsePolicy(j.trust.witnesses)
	if !ok {
		return
	}
	candidates := []string{v.headRaw}
	for _, kept := range j.trust.kept {
		candidates = append(candidates, kept.note)
	}
	for name := range v.files {
		if cosignName.MatchString(name) {
			raw, _ := v.load(name)
			candidates = append(candidates, string(raw))
		}
	}
	for _, raw := range candidates {
		kept, signed, ok := parseKept(raw)
		if ok && kept.size <= v.head.size && kept.origin == v.head.origin && signed.signedBy(v.keyAt(kept.size)) && p.met(p.quorum, signed) {
			j.tell(remark, "anchor-age", "")
			return
		}
	}
	j.tell(inconclusive, "quorum-not-met", "")
}
