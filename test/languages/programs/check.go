// Beside the block of docs/languages.md: what the test has it do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

func must[Value any](value Value, err error) Value {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	var where struct {
		Host, User, Password, Database string
		Port                           int
	}
	if err := json.Unmarshal([]byte(os.Args[1]), &where); err != nil {
		panic(err)
	}
	due := must(strconv.ParseInt(os.Args[2], 10, 64))
	waiting := must(strconv.ParseInt(os.Args[3], 10, 64))
	address := fmt.Sprintf("%s:%s@tcp(%s:%d)/%s", where.User, where.Password, where.Host, where.Port, where.Database)
	connection := must(must(connect(address)).Conn(ctx))

	refused := func(orderID int64) []any {
		cancelled, err := cancelExpiredOrder(ctx, connection, orderID)
		var told *mysql.MySQLError
		if !errors.As(err, &told) {
			return []any{cancelled.Outcome, err}
		}
		if wordOf(err) == "" {
			return []any{told.Number, nil}
		}
		return []any{told.Number, wordOf(err)}
	}

	row := must(cancelExpiredOrder(ctx, connection, due))
	again := must(cancelExpiredOrder(ctx, connection, due)).Outcome
	invalid := refused(0)
	var id int64
	if err := connection.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		panic(err)
	}
	fmt.Println(id)
	killed := refused(waiting)
	must(connection.ExecContext(ctx, "INSERT INTO application_note VALUES (CONNECTION_ID(), 'kept')"))
	told := map[string]any{
		"row": map[string]any{
			"order_id": row.OrderID, "outcome": row.Outcome, "coupon_refunded": row.CouponRefunded,
			"points_refunded": row.PointsRefunded, "cancelled_at": row.CancelledAt.String,
			"expires_at": nil, "returned": row.Returned, "clock": row.Clock,
		},
		"again": again, "invalid": invalid, "killed": killed,
	}
	if row.ExpiresAt.Valid {
		panic("a cancelled order doesn't expire")
	}
	fmt.Println(string(must(json.Marshal(told))))
}
