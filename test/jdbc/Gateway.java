import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;

/**
 * The JDBC driver through the gateway. One line per test on standard output: {@code ok <name>} or {@code not ok <name>:
 * <why>}. Orders 888001 to 888004 are decided by whoever started this: approved, denied, left alone, approved.
 */
public final class Gateway {
  private interface Test {
    void run() throws Exception;
  }

  private static int failed = 0;

  public static void main(String[] arguments) throws Exception {
    String url = arguments[0];
    String token = System.getenv("TOKEN");
    try (Connection own = open(url, token, "oauth", null)) {
      test("every type is decoded", () -> types(own));
      test("columns say what they are", () -> columns(own));
      test("values are bound by the server", () -> binds(own));
      test("a batch is inserted and rolled back", () -> batch(own));
      test("a large result is whole and in order", () -> wantBig(own.createStatement().executeQuery(BIG)));
      test("an asynchronous statement gives its result", () -> wantBig(executeAsync(own, BIG)));
      test("errors have code and state", () -> errors(own));
      test("protected columns arrive masked", () -> masked(own));
      test("a blocked statement says why", () -> blocked(own));
      test("moving a file is refused, already by the driver", () -> refusal(own, "put file:///etc/hostname @~"));
      test("tables and columns are listed", () -> metadata(own));
      test("use changes the session", () -> use(own));
      insertOrders(own);
      test("a held statement blocks until it is approved", () -> approved(own));
      test("a denied statement says who and why", () -> denied(own));
      test("a cancelled statement is withdrawn", () -> cancelled(own));
      test("a held asynchronous statement waits for its approval", () -> heldAsync(own));
    }
    test("a token sent as programmatic access token opens a session",
        () -> open(url, token, "programmatic_access_token", null).close());
    test("a token in the password field opens a session", () -> open(url, token, "snowflake", null).close());
    test("a password of Snowflake opens nothing",
        () -> want(861001, loginRefusal(url, "direct-password", "snowflake", null).getErrorCode()));
    test("a role that is not offered opens nothing",
        () -> want(861203, loginRefusal(url, token, "oauth", "SYSADMIN").getErrorCode()));
    System.exit(failed == 0 ? 0 : 1);
  }

  private static final String BIG = "select id, payload from big order by id";

  private static Connection open(String url, String secret, String carrier, String role) throws SQLException {
    Properties properties = new Properties();
    properties.put("account", "acme");
    properties.put("ssl", "off");
    properties.put("db", "CRM");
    properties.put("schema", "PUBLIC");
    properties.put("warehouse", "AGENT_WH");
    properties.put("role", role == null ? "ANALYST" : role);
    properties.put("authenticator", carrier);
    properties.put("user", "DIRECT");
    properties.put(carrier.equals("snowflake") ? "password" : "token", secret);
    properties.put("loginTimeout", "20");
    return DriverManager.getConnection(url, properties);
  }

  private static SQLException loginRefusal(String url, String secret, String carrier, String role) throws SQLException {
    try (Connection ignored = open(url, secret, carrier, role)) {
      throw new AssertionError("the login was not refused");
    } catch (SQLException refused) {
      return refused;
    }
  }

  private static void types(Connection own) throws SQLException {
    try (ResultSet row = own.createStatement().executeQuery(
        "select 42, 12345678901234567890123456789, 1.25::number(10,2), 1.5::float, 'é', true, '2020-02-02'::date,"
            + " '1960-01-01 00:00:00.5'::timestamp_ntz, '2020-01-01 10:00:00 +02:00'::timestamp_tz,"
            + " to_binary('AB', 'HEX'), parse_json('{\"a\":1}'), null::varchar, '01:02:03'::time")) {
      want(true, row.next());
      want(42L, row.getLong(1));
      want(new BigDecimal("12345678901234567890123456789"), row.getBigDecimal(2));
      want(new BigDecimal("1.25"), row.getBigDecimal(3));
      want(1.5, row.getDouble(4));
      want("é", row.getString(5));
      want(true, row.getBoolean(6));
      want("2020-02-02", row.getDate(7).toString());
      want(-315_619_199_500L, utc(row.getTimestamp(8)));
      want(1_577_865_600_000L, row.getTimestamp(9).getTime());
      want((byte) 0xab, row.getBytes(10)[0]);
      want("{\"a\":1}", row.getString(11).replaceAll("\\s", ""));
      want(null, row.getString(12));
      want("01:02:03", row.getString(13));
      want(false, row.next());
    }
  }

  /** A timestamp without zone stands for its digits, whatever the zone of this machine. */
  private static long utc(Timestamp moment) {
    return moment.getTime() + java.util.TimeZone.getDefault().getOffset(moment.getTime());
  }

  private static void columns(Connection own) throws SQLException {
    try (ResultSet rows = own.createStatement().executeQuery(
        "select id, balance, city, id as \"Mixed Name\", 1 + 1 from customers limit 1")) {
      ResultSetMetaData described = rows.getMetaData();
      List<String> names = List.of("ID", "BALANCE", "CITY", "Mixed Name", "1 + 1");
      for (int index = 1; index <= names.size(); index += 1) want(names.get(index - 1), described.getColumnName(index));
      want(12, described.getPrecision(2));
      want(2, described.getScale(2));
    }
  }

  private static void binds(Connection own) throws SQLException {
    try (PreparedStatement statement = own.prepareStatement("select ?, ?, ?, ?, ?, ?")) {
      statement.setInt(1, 7);
      statement.setDouble(2, 2.5);
      statement.setString(3, "x' or 1=1 --");
      statement.setBoolean(4, true);
      statement.setNull(5, java.sql.Types.VARCHAR);
      statement.setBigDecimal(6, new BigDecimal("12.30"));
      try (ResultSet row = statement.executeQuery()) {
        want(true, row.next());
        want(7, row.getInt(1));
        want(2.5, row.getDouble(2));
        want("x' or 1=1 --", row.getString(3));
        want(true, row.getBoolean(4));
        want(null, row.getString(5));
        want(0, new BigDecimal("12.3").compareTo(row.getBigDecimal(6)));
      }
    }
    want(List.of(6), ids(own, "select id from customers where city = ?", "Cork"));
  }

  private static List<Integer> ids(Connection own, String sql, String value) throws SQLException {
    try (PreparedStatement statement = own.prepareStatement(sql)) {
      statement.setString(1, value);
      try (ResultSet rows = statement.executeQuery()) {
        List<Integer> found = new java.util.ArrayList<>();
        while (rows.next()) found.add(rows.getInt(1));
        return found;
      }
    }
  }

  private static void batch(Connection own) throws SQLException {
    own.setAutoCommit(false);
    try (PreparedStatement insert = own.prepareStatement("insert into orders (id, status) values (?, ?)")) {
      for (int id = 9501; id <= 9503; id += 1) {
        insert.setInt(1, id);
        insert.setString(2, "BATCH");
        insert.addBatch();
      }
      want(3, Arrays.stream(insert.executeBatch()).sum());
      want(List.of(9501, 9502, 9503), ids(own, "select id from orders where status = ? and id < 9600 order by id", "BATCH"));
    } finally {
      own.rollback();
      own.setAutoCommit(true);
    }
    want(List.of(), ids(own, "select id from orders where status = ? and id < 9600", "BATCH"));
  }

  private static void wantBig(ResultSet rows) throws SQLException {
    int expected = 0;
    while (rows.next()) {
      expected += 1;
      want(expected, rows.getInt(1));
      want(true, rows.getString(2).startsWith("row " + expected + " "));
    }
    want(5000, expected);
  }

  /** The driver's own method; the package of its interface differs between major versions. */
  private static ResultSet executeAsync(Connection own, String sql) throws Exception {
    Statement statement = own.createStatement();
    Method execute = statement.getClass().getMethod("executeAsyncQuery", String.class);
    execute.setAccessible(true);
    return (ResultSet) execute.invoke(statement, sql);
  }

  private static SQLException refusal(Connection own, String sql) {
    try (Statement statement = own.createStatement()) {
      statement.execute(sql);
    } catch (SQLException refused) {
      return refused;
    }
    throw new AssertionError("not refused: " + sql);
  }

  private static void errors(Connection own) {
    SQLException refused = refusal(own, "select status::number from orders");
    want(100038, refused.getErrorCode());
    want("22018", refused.getSQLState());
    want(true, refused.getMessage().contains("Numeric value 'PAID' is not recognized"));
  }

  private static void masked(Connection own) throws SQLException {
    try (ResultSet row = own.createStatement().executeQuery("select name, email, ssn, balance from customers where id = 1")) {
      want(true, row.next());
      want("***", row.getString(1));
      want(true, row.getString(2).startsWith("pst_"));
      want("***2233", row.getString(3));
      want(null, row.getBigDecimal(4));
    }
  }

  private static void blocked(Connection own) {
    SQLException refused = refusal(own, "drop database crm");
    want(861201, refused.getErrorCode());
    want("42501", refused.getSQLState());
    want(true, refused.getMessage().contains("Blocked by rule \"no-dropping-databases\": DROP DATABASE on CRM"));
  }

  private static void metadata(Connection own) throws SQLException {
    List<String> tables = new java.util.ArrayList<>();
    try (ResultSet rows = own.getMetaData().getTables("CRM", "PUBLIC", "%", new String[] {"TABLE"})) {
      while (rows.next()) tables.add(rows.getString("TABLE_NAME"));
    }
    want(true, tables.containsAll(List.of("BIG", "CUSTOMERS", "ORDERS")));
  }

  private static void use(Connection own) throws SQLException {
    own.createStatement().execute("use schema hr");
    want("HR", own.getSchema());
    try (ResultSet row = own.createStatement().executeQuery("select count(*) from employees")) {
      want(true, row.next());
      want(2, row.getInt(1));
    }
    own.createStatement().execute("use schema public");
  }

  private static void insertOrders(Connection own) throws SQLException {
    own.createStatement().execute("insert into orders (id, status) values (888001, 'OPEN'), (888002, 'OPEN'), (888003, 'OPEN'), (888004, 'OPEN')");
  }

  private static void approved(Connection own) throws SQLException {
    want(1, own.createStatement().executeUpdate("delete from orders where id = 888001"));
  }

  private static void denied(Connection own) {
    SQLException refused = refusal(own, "delete from orders where id = 888002");
    want(861302, refused.getErrorCode());
    want(true, refused.getMessage().contains("Denied by Dana (data owner)"));
    want(true, refused.getMessage().contains("\"not before the audit\""));
  }

  private static void cancelled(Connection own) throws Exception {
    try (Statement statement = own.createStatement()) {
      CompletableFuture<SQLException> ended = CompletableFuture.supplyAsync(() -> {
        try {
          statement.execute("delete from orders where id = 888003");
          return null;
        } catch (SQLException refused) {
          return refused;
        }
      });
      Thread.sleep(1500);
      want(false, ended.isDone());
      statement.cancel();
      want(604, ended.get(15, java.util.concurrent.TimeUnit.SECONDS).getErrorCode());
    }
  }

  private static void heldAsync(Connection own) throws Exception {
    try (ResultSet rows = executeAsync(own, "delete from orders where id = 888004")) {
      want(true, rows.next());
      want(1, rows.getInt(1));
    }
  }

  private static void want(Object expected, Object got) {
    if (!Objects.equals(expected, got)) throw new AssertionError("expected " + expected + ", got " + got);
  }

  private static void test(String name, Test test) {
    try {
      test.run();
      System.out.println("ok " + name);
    } catch (Exception | AssertionError problem) {
      failed += 1;
      System.out.println("not ok " + name + ": " + String.valueOf(problem).replace('\n', ' '));
    }
  }
}
