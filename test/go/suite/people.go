package suite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"
)

// newOrder inserts an order of this test alone.
func newOrder(t *testing.T, ctx context.Context, db *sql.DB) int64 {
	t.Helper()
	id := time.Now().UnixNano()
	if _, err := db.ExecContext(ctx, "insert into orders (id, status) values (?, 'OPEN')", id); err != nil {
		t.Fatal(err)
	}
	return id
}

type outcome struct {
	rows int64
	err  error
}

// deleteOrder starts a statement that the gateway holds.
func deleteOrder(ctx context.Context, db *sql.DB, id int64) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		result, err := db.ExecContext(ctx, fmt.Sprintf("delete from orders where id = %d", id))
		if err != nil {
			done <- outcome{err: err}
			return
		}
		rows, err := result.RowsAffected()
		done <- outcome{rows, err}
	}()
	return done
}

func wantOrders(t *testing.T, ctx context.Context, db *sql.DB, id int64, expected int) {
	t.Helper()
	var count int
	if err := db.QueryRowContext(ctx, "select count(*) from orders where id = ?", id).Scan(&count); err != nil {
		t.Fatal(err)
	}
	want(t, expected, count)
}

func testApproved(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	id, owner := newOrder(t, ctx, db), newApprover(t)
	done := deleteOrder(ctx, db, id)
	request := owner.find(fmt.Sprint(id))
	want(t, "DELETE", request.Class)
	want(t, 0, len(done))
	owner.decide(request, "approve", "")
	want(t, outcome{rows: 1}, <-done)
	wantOrders(t, ctx, db, id, 0)
}

func testDenied(t *testing.T, ctx context.Context, db *sql.DB, driver Driver) {
	id, owner := newOrder(t, ctx, db), newApprover(t)
	done := deleteOrder(ctx, db, id)
	owner.decide(owner.find(fmt.Sprint(id)), "deny", "not before the audit")
	refused := wantRefusal(t, driver, (<-done).err)
	want(t, []any{861302, "42501"}, []any{refused.Number, refused.SQLState})
	want(t, true, strings.Contains(refused.Message, "Denied by Dana (data owner)"))
	want(t, true, strings.Contains(refused.Message, `"not before the audit"`))
	wantOrders(t, ctx, db, id, 1)
}

func testCancelled(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	id, owner := newOrder(t, ctx, db), newApprover(t)
	short, cancel := context.WithCancel(ctx)
	done := deleteOrder(short, db, id)
	request := owner.find(fmt.Sprint(id))
	cancel()
	if ended := <-done; ended.err == nil {
		t.Fatal("a cancelled statement ended well")
	}
	owner.waitFor(request.ID, "withdrawn")
	wantOrders(t, ctx, db, id, 1)
}

func testHeldAsync(t *testing.T, ctx context.Context, db *sql.DB, driver Driver) {
	id, owner := newOrder(t, ctx, db), newApprover(t)
	done := deleteOrder(driver.Async(ctx), db, id)
	owner.decide(owner.find(fmt.Sprint(id)), "approve", "fine")
	want(t, outcome{rows: 1}, <-done)
	wantOrders(t, ctx, db, id, 0)
}

func testCarriers(t *testing.T, driver Driver, login Login) {
	accessToken, password, plain := login, login, login
	accessToken.Carrier, accessToken.User = AccessToken, "whoever"
	password.Carrier, password.User, password.Password, password.Token = Password, "whoever", login.Token, ""
	plain.Carrier, plain.User, plain.Password, plain.Token = Password, "DIRECT", "direct-password", ""
	foreignRole := login
	foreignRole.Role = "SYSADMIN"
	for name, test := range map[string]struct {
		login  Login
		number int
	}{
		"a token sent as programmatic access token opens a session": {accessToken, 0},
		"a token in the password field opens a session":             {password, 0},
		"a password of Snowflake opens nothing":                     {plain, 861001},
		"a role that is not offered opens nothing":                  {foreignRole, 861203},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), perTest)
			defer cancel()
			db := driver.Open(test.login)
			defer db.Close()
			err := db.PingContext(ctx)
			if test.number == 0 {
				want(t, nil, err)
				return
			}
			want(t, test.number, wantRefusal(t, driver, err).Number)
		})
	}
}
