// After the block of docs/languages.md: what the test has it do.
[, $where, $due, $waiting] = $argv;
$where = json_decode($where, true);

function refused(mysqli $db, int $orderId): array
{
    try {
        return [cancelExpiredOrder($db, $orderId)['outcome']];
    } catch (mysqli_sql_exception $error) {
        return [$error->getCode(), wordOf($error)];
    }
}

$db = connect($where['host'], $where['user'], $where['password'], $where['database'], $where['port']);
$row = cancelExpiredOrder($db, $due);
$again = cancelExpiredOrder($db, $due)['outcome'];
$invalid = refused($db, 0);
echo $db->thread_id, "\n";
$killed = refused($db, $waiting);
$db->query("INSERT INTO application_note VALUES (CONNECTION_ID(), 'kept')");

$call = $db->prepare('CALL cancel_expired_order(?)');
$call->bind_param('i', $due);
$call->execute();
try {
    $db->query('DO 0');
    $unread = 0;
} catch (mysqli_sql_exception $error) {
    $unread = $error->getCode();
}
echo json_encode(compact('row', 'again', 'invalid', 'killed', 'unread')), "\n";
