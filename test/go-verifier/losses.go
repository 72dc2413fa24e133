package main

const observing = "observe"

// modeAt is a connection's mode at a record: of the last change that names it, else of the last that names none or writer.open.
func modeAt(records []*leaf, connection string, at int64) string {
	own, general, isOwn := "", "", false
	for _, record := range records {
		mode, isText := record.fields["mode"].(string)
		if record.index > at || !isText || record.kind != "writer.open" && record.kind != "mode.change" {
			continue
		}
		if named, isNamed := record.fields["connection"].(string); !isNamed {
			general = mode
		} else if named == connection {
			own, isOwn = mode, true
		}
	}
	if isOwn {
		return own
	}
	return general
}

// observes says whether a log was in mode observe for the connection at some record from first to last.
func observes(records []*leaf, connection string, known bool, first, last int64) bool {
	for _, record := range records {
		says := record.kind == "writer.open" || record.kind == "mode.change"
		if record.index > last {
			break
		}
		if !known && says && record.fields.text("mode") == observing {
			return true
		}
		if known && record.index >= first && (says || record.index == first) && modeAt(records, connection, record.index) == observing {
			return true
		}
	}
	return false
}

// lostRequest says whether a log lost a request; until is a time, or nil for whatever time.
func lostRequest(records []*leaf, until *int64) bool {
	for _, record := range records {
		if record.kind != "gap" || record.fields["requests"] == int64(0) {
			continue
		}
		from, timed := record.fields["from"].(int64)
		if until == nil || !timed || from <= *until {
			return true
		}
	}
	return false
}

// span gives the session's first and last record in a log.
func span(records []*leaf, sid string) (first, last int64, here bool) {
	for _, record := range records {
		if !record.hasSid || record.sid != sid {
			continue
		}
		if !here {
			first, here = record.index, true
		}
		last = record.index
	}
	return first, last, here
}

// mayLackRequest: by the logs' own word, the request of this answer may be among what was lost.
func (j *judge) mayLackRequest(s *statements, answer said) bool {
	if answer.fields["strict"] == true {
		return false
	}
	connection, known := s.connectionOf(answer)
	own := j.logs[answer.log].records
	first := int64(0)
	if answer.hasSid {
		first, _, _ = span(own, answer.sid)
	}
	if lostRequest(own, &answer.wall) || observes(own, connection, known, first, answer.index) {
		return true
	}
	for ulid, other := range j.logs {
		if ulid == answer.log || !answer.hasSid {
			continue
		}
		first, last, here := span(other.records, answer.sid)
		if here && (lostRequest(other.records, nil) || observes(other.records, connection, known, first, last)) {
			return true
		}
	}
	return false
}

// connectionOf gives the one connection that every session.open of a record's session names.
func (s *statements) connectionOf(record said) (connection string, known bool) {
	if !record.hasSid {
		return "", false
	}
	for i, opened := range s.sessions[record.sid] {
		name, isText := opened.fields["connection"].(string)
		if !isText || i > 0 && name != connection {
			return "", false
		}
		connection, known = name, true
	}
	return connection, known
}
