# After the block of docs/languages.md: what the test has it do.
require 'json'

where, due, waiting = ARGV
where = JSON.parse(where, symbolize_names: true)
where[:username] = where.delete(:user)

def refused(client, order_id)
  [cancel_expired_order(client, order_id)['outcome']]
rescue Mysql2::Error => error
  [error.error_number, word_of(error)]
end

client = connect(**where)
row = cancel_expired_order(client, due)
again = cancel_expired_order(client, due)['outcome']
invalid = refused(client, 0)
puts client.thread_id
$stdout.flush
killed = refused(client, waiting)
client.query("INSERT INTO application_note VALUES (CONNECTION_ID(), 'kept')")
puts JSON.generate(row: row, again: again, invalid: invalid, killed: killed)
