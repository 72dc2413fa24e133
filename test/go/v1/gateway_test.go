// Package v1 runs the suite with gosnowflake 1.
package v1

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/snowflakedb/gosnowflake"
	"piste.dev/test/go/suite"
)

func TestGateway(t *testing.T) {
	suite.Run(t, suite.Driver{
		Open: func(login suite.Login) *sql.DB {
			config := gosnowflake.Config{
				Account: login.Account, Host: login.Host, Port: login.Port, Protocol: login.Protocol,
				Database: login.Database, Schema: login.Schema, Warehouse: login.Warehouse, Role: login.Role,
				User: login.User, Password: login.Password, Token: login.Token,
			}
			switch login.Carrier {
			case suite.OAuth:
				config.Authenticator = gosnowflake.AuthTypeOAuth
			case suite.AccessToken:
				config.Authenticator = gosnowflake.AuthTypePat
			case suite.Password:
				config.Authenticator = gosnowflake.AuthTypeSnowflake
			}
			return sql.OpenDB(gosnowflake.NewConnector(gosnowflake.SnowflakeDriver{}, config))
		},
		Async: gosnowflake.WithAsyncMode,
		Array: func(values any) any { return gosnowflake.Array(values) },
		Several: func(ctx context.Context, count int) context.Context {
			several, err := gosnowflake.WithMultiStatement(ctx, count)
			if err != nil {
				t.Fatal(err)
			}
			return several
		},
		Refusal: func(err error) (suite.Refusal, bool) {
			var refused *gosnowflake.SnowflakeError
			if !errors.As(err, &refused) {
				return suite.Refusal{}, false
			}
			return suite.Refusal{Number: refused.Number, SQLState: refused.SQLState, Message: refused.Message, QueryID: refused.QueryID}, true
		},
	})
}
