// After the block of docs/languages.md: what the test has it do.
[, $where, $due, $waiting] = $argv;
$where = json_decode($where, true);

function refused(PDO $db, int $orderId): array
{
    try {
        return [cancelExpiredOrder($db, $orderId)['outcome']];
    } catch (PDOException $error) {
        return [$error->errorInfo[1], wordOf($error)];
    }
}

$db = connect("mysql:host=$where[host];port=$where[port];dbname=$where[database]", $where['user'], $where['password']);
$row = cancelExpiredOrder($db, $due);
$again = cancelExpiredOrder($db, $due)['outcome'];
$invalid = refused($db, 0);
echo $db->query('SELECT CONNECTION_ID()')->fetchColumn(), "\n";
$killed = refused($db, $waiting);
$db->exec("INSERT INTO application_note VALUES (CONNECTION_ID(), 'kept')");

$call = $db->prepare('CALL cancel_expired_order(?)');
$call->execute([$due]);
try {
    $db->exec('DO 0');
    $unread = 0;
} catch (PDOException $error) {
    $unread = $error->errorInfo[1];
}
echo json_encode(compact('row', 'again', 'invalid', 'killed', 'unread')), "\n";
