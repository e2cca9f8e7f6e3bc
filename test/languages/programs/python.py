# After the block of docs/languages.md: what the test has it do.
import json
import sys

where, due, waiting, forgotten = json.loads(sys.argv[1]), *map(int, sys.argv[2:5])


def refused(connection, order_id):
    try:
        return [cancel_expired_order(connection, order_id)["outcome"]]
    except pymysql.MySQLError as error:
        return [error.args[0], word_of(error)]


connection = connect(**where)
row = {name: value and str(value) for name, value in cancel_expired_order(connection, due).items()}
again = cancel_expired_order(connection, due)["outcome"]
invalid = refused(connection, 0)
print(connection.thread_id(), flush=True)
killed = refused(connection, waiting)
with connection.cursor() as cursor:
    cursor.execute("INSERT INTO application_note VALUES (CONNECTION_ID(), 'kept')")

without_commit = pymysql.connect(**where)
uncommitted = cancel_expired_order(without_commit, forgotten)["outcome"]
without_commit.close()
print(json.dumps({"row": row, "again": again, "invalid": invalid, "killed": killed, "uncommitted": uncommitted}))
