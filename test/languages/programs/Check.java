// Beside the block of docs/languages.md: what the test has it do.
import java.sql.*;
import java.util.*;

class Check {
    public static void main(String[] given) throws SQLException {
        String url = given[0];
        long due = Long.parseLong(given[3]);
        long waiting = Long.parseLong(given[4]);
        try (Connection connection = Orders.connect(url, given[1], given[2]);
                Statement statement = connection.createStatement()) {
            Map<String, String> row = Orders.cancelExpiredOrder(connection, due);
            String again = Orders.cancelExpiredOrder(connection, due).get("outcome");
            String invalid = refused(connection, 0);
            try (ResultSet id = statement.executeQuery("SELECT CONNECTION_ID()")) {
                id.next();
                System.out.println(id.getLong(1));
            }
            String killed = refused(connection, waiting);
            statement.executeUpdate("INSERT INTO application_note VALUES (CONNECTION_ID(), 'kept')");
            StringJoiner cells = new StringJoiner(",", "{", "}");
            row.forEach((name, value) -> cells.add(quoted(name) + ":" + quoted(value)));
            System.out.printf("{\"row\":%s,\"again\":%s,\"invalid\":%s,\"killed\":%s}%n", cells, quoted(again), invalid, killed);
        }
    }

    static String refused(Connection connection, long orderId) {
        try {
            return "[" + quoted(Orders.cancelExpiredOrder(connection, orderId).get("outcome")) + "]";
        } catch (SQLException error) {
            return "[" + error.getErrorCode() + "," + quoted(Orders.wordOf(error).orElse(null)) + "]";
        }
    }

    static String quoted(String text) {
        return text == null ? "null" : "\"" + text.replace("\"", "\\\"") + "\"";
    }
}
