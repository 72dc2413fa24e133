package suite

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const perTest = 30 * time.Second

// Run opens one pool as the usual agent and asserts everything on it.
func Run(t *testing.T, driver Driver) {
	login := agentLogin(t)
	db := driver.Open(login)
	t.Cleanup(func() { _ = db.Close() })
	for name, test := range map[string]func(*testing.T, context.Context, *sql.DB, Driver){
		"every type is decoded":                                testTypes,
		"columns say what they are":                            testColumns,
		"values are bound by the server":                       testBinds,
		"a batch is inserted and rolled back":                  testBatch,
		"a large result is whole and in order":                 testChunks,
		"errors have code and state":                           testErrors,
		"an asynchronous statement gives its result":           testAsync,
		"protected columns arrive masked":                      testMasked,
		"a blocked statement says why":                         testBlocked,
		"several statements of one request are refused":        testSeveral,
		"a held statement blocks until it is approved":         testApproved,
		"a denied statement says who and why":                  testDenied,
		"a cancelled context withdraws":                        testCancelled,
		"use changes the session of its connection":            testUse,
		"a held asynchronous statement waits for its approval": testHeldAsync,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), perTest)
			defer cancel()
			test(t, ctx, db, driver)
		})
	}
	testCarriers(t, driver, login)
}

func testTypes(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	var integer, text string
	var small int64
	var number, float float64
	var truth bool
	var day, moment, early, zoned time.Time
	var bytes []byte
	var nothing sql.NullString
	row := db.QueryRowContext(ctx, `select 42, 12345678901234567890123456789, 1.25::number(10,2), 1.5::float, 'é', true,
		'2020-02-02'::date, '2020-01-01 00:00:00.5'::timestamp_ntz, '1960-01-01 00:00:00.5'::timestamp_ntz, '2020-01-01 10:00:00 +02:00'::timestamp_tz,
		to_binary('AB', 'HEX'), null::varchar`)
	if err := row.Scan(&small, &integer, &number, &float, &text, &truth, &day, &moment, &early, &zoned, &bytes, &nothing); err != nil {
		t.Fatal(err)
	}
	want(t, []any{int64(42), "12345678901234567890123456789", 1.25, 1.5, "é", true, false},
		[]any{small, integer, number, float, text, truth, nothing.Valid})
	want(t, "2020-02-02", day.Format(time.DateOnly))
	want(t, "1960-01-01T00:00:00.5Z", early.UTC().Format(time.RFC3339Nano))
	want(t, "2020-01-01T00:00:00.5Z", moment.UTC().Format(time.RFC3339Nano))
	want(t, "2020-01-01T10:00:00+02:00", zoned.Format(time.RFC3339))
	want(t, []byte{0xab}, bytes)
}

func testColumns(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	rows, err := db.QueryContext(ctx, `select id, balance, city, id as "Mixed Name", 1 + 1 from customers limit 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, column := range types {
		precision, scale, _ := column.DecimalSize()
		described = append(described, fmt.Sprintf("%s %s %d %d", column.Name(), column.DatabaseTypeName(), precision, scale))
	}
	want(t, []string{"ID FIXED 38 0", "BALANCE FIXED 12 2", "CITY TEXT 0 0", "Mixed Name FIXED 38 0"}, described[:4])
	want(t, true, strings.HasPrefix(described[4], "1 + 1 FIXED"))
}

func testBinds(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	var number int
	var float float64
	var text string
	var truth bool
	var nothing sql.NullString
	values := []any{7, 2.5, "x' or 1=1 --", true, nil}
	if err := db.QueryRowContext(ctx, "select ?, ?, ?, ?, ?", values...).Scan(&number, &float, &text, &truth, &nothing); err != nil {
		t.Fatal(err)
	}
	want(t, []any{7, 2.5, "x' or 1=1 --", true, false}, []any{number, float, text, truth, nothing.Valid})
	if err := db.QueryRowContext(ctx, "select id from customers where city = ?", "Cork").Scan(&number); err != nil {
		t.Fatal(err)
	}
	want(t, 6, number)
}

func testBatch(t *testing.T, ctx context.Context, db *sql.DB, driver Driver) {
	transaction, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids, states := []int{9401, 9402, 9403}, []string{"A", "B", "C"}
	result, err := transaction.ExecContext(ctx, "insert into orders (id, status) values (?, ?)", driver.Array(&ids), driver.Array(&states))
	if err != nil {
		t.Fatal(err)
	}
	inserted, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	want(t, int64(3), inserted)
	var count int
	const query = "select count(*) from orders where id between 9401 and 9403"
	if err := transaction.QueryRowContext(ctx, query).Scan(&count); err != nil {
		t.Fatal(err)
	}
	want(t, 3, count)
	if err := transaction.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(ctx, query).Scan(&count); err != nil {
		t.Fatal(err)
	}
	want(t, 0, count)
}

func testChunks(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	wantBig(t, ctx, db)
}

func wantBig(t *testing.T, ctx context.Context, db *sql.DB) {
	t.Helper()
	rows, err := db.QueryContext(ctx, "select id, payload from big order by id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	expected := 0
	for rows.Next() {
		expected++
		var id int
		var payload string
		if err := rows.Scan(&id, &payload); err != nil {
			t.Fatal(err)
		}
		if id != expected || !strings.HasPrefix(payload, fmt.Sprintf("row %d ", id)) {
			t.Fatalf("row %d is %d %s", expected, id, payload)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	want(t, 5000, expected)
}

func testErrors(t *testing.T, ctx context.Context, db *sql.DB, driver Driver) {
	_, err := db.QueryContext(ctx, "select status::number from orders")
	refused := wantRefusal(t, driver, err)
	want(t, []any{100038, "22018"}, []any{refused.Number, refused.SQLState})
	want(t, true, strings.Contains(refused.Message, "Numeric value 'PAID' is not recognized"))
	want(t, true, refused.QueryID != "")
}

func testAsync(t *testing.T, ctx context.Context, db *sql.DB, driver Driver) {
	wantBig(t, driver.Async(ctx), db)
}

func testMasked(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	var name, email, ssn string
	var balance sql.NullFloat64
	row := db.QueryRowContext(ctx, "select name, email, ssn, balance from customers where id = 1")
	if err := row.Scan(&name, &email, &ssn, &balance); err != nil {
		t.Fatal(err)
	}
	want(t, []any{"***", "***2233", false, true}, []any{name, ssn, balance.Valid, strings.HasPrefix(email, "pst_")})
}

func testBlocked(t *testing.T, ctx context.Context, db *sql.DB, driver Driver) {
	_, err := db.ExecContext(ctx, "drop database crm")
	refused := wantRefusal(t, driver, err)
	want(t, []any{861201, "42501"}, []any{refused.Number, refused.SQLState})
	want(t, true, strings.HasPrefix(refused.Message, `[PISTE-1201] Blocked by rule "no-dropping-databases": DROP DATABASE on CRM`))
}

func testSeveral(t *testing.T, ctx context.Context, db *sql.DB, driver Driver) {
	_, err := db.QueryContext(driver.Several(ctx, 2), "select 1; select 2")
	refused := wantRefusal(t, driver, err)
	want(t, 8612, refused.Number/100)
}

func testUse(t *testing.T, ctx context.Context, db *sql.DB, _ Driver) {
	connection, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.ExecContext(ctx, "use schema hr"); err != nil {
		t.Fatal(err)
	}
	var schema string
	var count int
	if err := connection.QueryRowContext(ctx, "select current_schema(), count(*) from employees").Scan(&schema, &count); err != nil {
		t.Fatal(err)
	}
	want(t, []any{"HR", 2}, []any{schema, count})
	if _, err := connection.ExecContext(ctx, "use schema public"); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, expected, got any) {
	t.Helper()
	if !reflect.DeepEqual(expected, got) {
		t.Fatalf("expected %v, got %v", expected, got)
	}
}

func wantRefusal(t *testing.T, driver Driver, err error) Refusal {
	t.Helper()
	refused, ok := driver.Refusal(err)
	if !ok {
		t.Fatalf("not an error of the driver: %v", err)
	}
	return refused
}
