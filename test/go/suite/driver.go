// Package suite holds the assertions that every version of the Go driver must pass through the gateway.
package suite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Carrier is the field of the login that carries the token.
type Carrier int

const (
	OAuth Carrier = iota
	AccessToken
	Password
)

// Login is what a connection needs, whichever version of the driver opens it.
type Login struct {
	Account, Host, Protocol           string
	Port                              int
	Database, Schema, Warehouse, Role string
	User, Password, Token             string
	Carrier                           Carrier
}

// Refusal is the driver's own error, reduced to what callers act on.
type Refusal struct {
	Number                     int
	SQLState, Message, QueryID string
}

// Driver is one version of gosnowflake.
type Driver struct {
	Open    func(Login) *sql.DB
	Async   func(context.Context) context.Context
	Several func(context.Context, int) context.Context
	Array   func(any) any
	Refusal func(error) (Refusal, bool)
}

const pollEvery = 50 * time.Millisecond

func agentClaims() map[string]any {
	return map[string]any{"name": "report-agent", "groups": []string{"agents"}, "agent": "report-agent"}
}

func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set", name)
	}
	return value
}

// ask is one JSON exchange; the answer is decoded into answer.
func ask(t *testing.T, method, address, bearer string, body, answer any) int {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var sent io.Reader
	if body != nil {
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, address, sent)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("content-type", "application/json")
	if bearer != "" {
		request.Header.Set("authorization", "Bearer "+bearer)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func mint(t *testing.T, subject string, claims map[string]any) string {
	t.Helper()
	var answer struct{ Token string }
	wanted := map[string]any{"subject": subject, "audience": "https://piste.example", "claims": claims}
	if status := ask(t, http.MethodPost, environment(t, "ISSUER_URL")+"/control/mint", "", wanted, &answer); status != http.StatusOK {
		t.Fatalf("the issuer answered %d", status)
	}
	return answer.Token
}

// agentLogin is the usual agent in CRM.PUBLIC.
func agentLogin(t *testing.T) Login {
	t.Helper()
	gateway, err := url.Parse(environment(t, "GATEWAY_URL"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(gateway.Port())
	if err != nil {
		t.Fatal(err)
	}
	return Login{
		Account: "acme", Host: gateway.Hostname(), Port: port, Protocol: gateway.Scheme,
		Database: "CRM", Schema: "PUBLIC", Warehouse: "AGENT_WH", Role: "ANALYST",
		Token: mint(t, "agent-1", agentClaims()), Carrier: OAuth,
	}
}

// held is a request as the admin API shows it.
type held struct {
	ID            string `json:"id"`
	State         string `json:"state"`
	Class         string `json:"class"`
	CanonicalText string `json:"canonicalText"`
	BindingHash   string `json:"bindingHash"`
}

// approver is the data owner at the admin API.
type approver struct {
	t     *testing.T
	token string
	url   string
}

func newApprover(t *testing.T) approver {
	t.Helper()
	claims := map[string]any{"name": "Dana (data owner)", "groups": []string{"data-owners"}}
	return approver{t, mint(t, "dana.owner", claims), environment(t, "CONSOLE_URL") + "/api/v1/requests"}
}

// find waits for the pending request whose statement contains the text.
func (a approver) find(text string) held {
	a.t.Helper()
	for until := time.Now().Add(15 * time.Second); time.Now().Before(until); time.Sleep(pollEvery) {
		var answer struct{ Requests []held }
		ask(a.t, http.MethodGet, a.url, a.token, nil, &answer)
		for _, request := range answer.Requests {
			if request.State == "pending" && strings.Contains(request.CanonicalText, text) {
				return request
			}
		}
	}
	a.t.Fatalf("no request with %s came", text)
	return held{}
}

// waitFor waits until the request has that state.
func (a approver) waitFor(id, state string) {
	a.t.Helper()
	var request held
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(pollEvery) {
		ask(a.t, http.MethodGet, a.url+"/"+id, a.token, nil, &request)
		if request.State == state {
			return
		}
	}
	a.t.Fatalf("the request is %s, not %s", request.State, state)
}

func (a approver) decide(request held, choice, reason string) {
	a.t.Helper()
	vote := map[string]any{"choice": choice, "bindingHash": request.BindingHash}
	if reason != "" {
		vote["reason"] = reason
	}
	var answer any
	if status := ask(a.t, http.MethodPost, a.url+"/"+request.ID+"/decision", a.token, vote, &answer); status != http.StatusOK {
		a.t.Fatalf("the vote was answered %d: %v", status, answer)
	}
}
