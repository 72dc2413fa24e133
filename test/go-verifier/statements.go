package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// said is a record and the log it stands in.
type said struct {
	*leaf
	log string
}

// before: earlier in the same log, or anywhere in another one, whose order nobody can compare.
func (s said) before(other said) bool { return s.log != other.log || s.index < other.index }

// statements are the records by which statements are asked, released and answered: by query id, votes by approval.
type statements struct {
	requests map[string][]said
	asked    map[string][]said
	approved map[string][]said
	votes    map[string][]said
	sessions map[string][]said
}

// judgeStatements applies the rules between records: nothing ran without leave, approvals are some, hashes are those of texts.
func (j *judge) judgeStatements() {
	s := &statements{map[string][]said{}, map[string][]said{}, map[string][]said{}, map[string][]said{}, map[string][]said{}}
	all := []said{}
	for _, files := range j.files {
		for _, record := range j.logs[files.ulid].records {
			all = append(all, said{record, files.ulid})
		}
	}
	for _, record := range all {
		s.take(record)
	}
	unread := false
	for _, record := range all {
		switch record.kind {
		case "request":
			j.judgeNamed(record)
			if !j.judgeHashes(s, record) {
				unread = true
			}
		case "decision":
			if record.fields.text("v") == "approved" && j.judgeNamed(record) {
				j.judgeApproval(s, record)
			}
		case "response", "chunk", "chunk.piece", "response.withheld":
			j.judgeAnswer(s, record)
		}
	}
	if unread {
		j.tell(remark, "texts-not-checked", "")
	}
	if s.haveSeveralBlinds() {
		j.tell(remark, "hashes-not-compared", "")
	}
}

func (s *statements) take(record said) {
	qid, named := record.fields["qid"].(string)
	apr, _ := record.fields["apr"].(string)
	switch record.kind {
	case "session.open":
		if record.hasSid {
			s.sessions[record.sid] = append(s.sessions[record.sid], record)
		}
	case "approval.vote":
		if _, named := record.fields["apr"].(string); named {
			s.votes[apr] = append(s.votes[apr], record)
		}
	case "request":
		if named {
			s.requests[qid] = append(s.requests[qid], record)
		}
	case "approval.request":
		if named {
			s.asked[qid] = append(s.asked[qid], record)
		}
	case "decision":
		if named && record.fields.text("v") == "approved" {
			s.approved[qid] = append(s.approved[qid], record)
		}
	}
}

// judgeNamed says whether a record names its statement, which it has to.
func (j *judge) judgeNamed(record said) bool {
	_, named := record.fields["qid"].(string)
	if !named {
		j.tellAt(tampered, "no-query-id", record.log, record.index)
	}
	return named
}

func decided(request said) string { return request.fields.at("dec").text("v") }

func (j *judge) judgeAnswer(s *statements, record said) {
	qid, named := record.fields["qid"].(string)
	if !named && record.kind == "response.withheld" || !named && !j.judgeNamed(record) {
		return
	}
	asked := false
	for _, request := range s.requests[qid] {
		asked = asked || request.before(record)
	}
	switch {
	case !asked && record.hasSid && len(s.sessions[record.sid]) == 0:
		j.tellAt(inconclusive, "orphan-response", record.log, record.index)
	case !asked:
		j.tellAt(severityOf(j.mayLackRequest(s, record), record), "orphan-response", record.log, record.index)
	case isResult(record) && !s.mayRun(qid, record):
		j.tellAt(severityOf(s.isReleased(qid, record) && j.mayLackRequest(s, record), record), "ran-without-leave", record.log, record.index)
	}
}

// severityOf an answer whose request is not there: what did not run needed no leave.
func severityOf(mayLack bool, answer said) string {
	switch {
	case !mayLack:
		return tampered
	case isResult(answer):
		return inconclusive
	default:
		return remark
	}
}

// isResult: rows, a query id of Snowflake's, or a further part; only what ran has them.
func isResult(record said) bool {
	rows, _ := record.fields["rows"].(int64)
	_, ran := record.fields["upq"].(string)
	return record.kind == "chunk" || record.kind == "chunk.piece" || rows > 0 || ran
}

// isHeld: the policy wanted an approval.
func isHeld(request said) bool { return decided(request) == "hold" }

// heldBefore says whether a held request of the statement stands before a record.
func (s *statements) heldBefore(qid string, record said) bool {
	for _, request := range s.requests[qid] {
		if isHeld(request) && request.before(record) {
			return true
		}
	}
	return false
}

// mayRun: a record written by way of a permit let the statement run, and where it was held before that, an approval of the same hash.
func (s *statements) mayRun(qid string, answer said) bool {
	for _, decision := range s.approved[qid] {
		if decision.permit != "" && decision.before(answer) && s.heldBefore(qid, decision) {
			return true
		}
	}
	for _, request := range s.requests[qid] {
		if request.permit == "" || decided(request) != "allow" || !request.before(answer) {
			continue
		}
		apr := request.fields.at("dec")["apr"]
		if !s.heldBefore(qid, request) && apr == nil || s.heldBefore(qid, request) && s.restsOnApproval(qid, apr, request) {
			return true
		}
	}
	return false
}

// restsOnApproval: the approval was decided before the request and asked for with the same hash.
func (s *statements) restsOnApproval(qid string, apr any, request said) bool {
	id, named := apr.(string)
	if !named {
		return false
	}
	decided, asked := false, false
	for _, decision := range s.approved[qid] {
		decided = decided || sameText(decision.fields["apr"], id) && decision.before(request)
	}
	for _, one := range s.asked[qid] {
		asked = asked || sameText(one.fields["apr"], id) && one.mayBeSame(request)
	}
	return decided && asked
}

// isReleased: every request was held and an approval decided, so all that can be missing is the request on which it ran.
func (s *statements) isReleased(qid string, answer said) bool {
	for _, request := range s.requests[qid] {
		if !isHeld(request) {
			return false
		}
	}
	for _, decision := range s.approved[qid] {
		if decision.before(answer) {
			return true
		}
	}
	return false
}

func sameText(a, b any) bool {
	text, isText := a.(string)
	return isText && b == text
}

// mayBeSame: the hashes of two records are equal, or under different blinds.
func (s said) mayBeSame(other said) bool {
	if s.blind == other.blind {
		return sameText(s.fields["hash"], other.fields["hash"])
	}
	_, one := s.fields["hash"].(string)
	_, two := other.fields["hash"].(string)
	return one && two
}

// haveSeveralBlinds: a statement was approved, and not all that was asked and decided of it is under one blind.
func (s *statements) haveSeveralBlinds() bool {
	for qid, approved := range s.approved {
		blinds := map[string]bool{}
		for _, records := range [][]said{approved, s.asked[qid], s.requests[qid]} {
			for _, record := range records {
				blinds[record.blind] = true
			}
		}
		if len(blinds) > 1 {
			return true
		}
	}
	return false
}

// texts gives a request's text and binds, where its hashes can be compared with these and its parameters.
func (l *leaf) texts() (sql, binds []byte, bound, readable bool) {
	for _, p := range l.parts {
		if _, here := l.bodies[p.name]; !here && (p.name == "sql" || p.name == "binds" || p.name == "parameters") {
			return nil, nil, false, false
		}
	}
	sql = l.bodies["sql"]
	binds, bound = l.bodies["binds"]
	// Digests under a blind can be compared with nothing here.
	return sql, binds, bound, sql == nil || l.blind == ""
}

// judgeHashes answers false where the texts of a request could not be read.
func (j *judge) judgeHashes(s *statements, record said) bool {
	bindings, isBound := record.fields["hash"].(string)
	sql, binds, bound, readable := record.texts()
	if !readable {
		return false
	}
	if record.permit != "" && (sql == nil || permitHash(sql, binds, bound) != record.permit) {
		j.tellAt(tampered, "permit-mismatch", record.log, record.index)
	}
	ctx := record.fields.at("ctx")
	if !isBound || ctx == nil || sql == nil {
		return true
	}
	var session object
	for _, opened := range s.sessions[record.sid] {
		if opened.log == record.log && opened.index < record.index {
			session = opened.fields
		}
	}
	connection, connected := session["connection"].(string)
	account, known := session["account"].(string)
	if !connected || !known {
		return true
	}
	values := []any{string(sql), nil, nil, ctx["role"], ctx["wh"], ctx["db"], ctx["sch"], connection, account}
	if bound {
		values[1] = string(binds)
	}
	if parameters, set := record.bodies["parameters"]; set {
		values[2] = string(parameters)
	}
	if bindingHash(values) != bindings {
		j.tellAt(tampered, "binding-mismatch", record.log, record.index)
	}
	return true
}

func permitHash(sql, binds []byte, bound bool) string {
	text := fmt.Sprintf("%d\n%s-", len(sql), sql)
	if bound {
		text = fmt.Sprintf("%d\n%s+%s", len(sql), sql, binds)
	}
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func bindingHash(values []any) string {
	out := []byte("piste binding v1\n")
	for _, value := range values {
		text, here := value.(string)
		if !here {
			out = append(out, 0)
			continue
		}
		out = append(out, 1)
		out = binary.BigEndian.AppendUint64(out, uint64(len(text)))
		out = append(out, text...)
	}
	digest := sha256.Sum256(out)
	return hex.EncodeToString(digest[:])
}
