namespace UnitTests.Repository;

/// <summary>
/// Npgsql fails with an <c>NpgsqlException</c>, but with a bare <see cref="TimeoutException"/> where the time runs out in DNS or behind another's first
/// connection: who expects the one must expect the other.
/// </summary>
public class TimeoutsTests
{
    [Fact]
    public void Who_expects_a_failure_of_Npgsql_expects_its_other_one()
    {
        var findings =
            from file in RepositoryRoot.Sources("src")
            from line in File.ReadLines(RepositoryRoot.PathOf("src", file)).Select((text, index) => (Text: text.Trim(), Number: index + 1))
            where IsSuspect(line.Text)
            select $"{file}:{line.Number}: {line.Text}";
        Assert.Empty(findings);
    }

    [Theory]
    [InlineData("catch (NpgsqlException e)", true)]
    [InlineData("catch (Exception e) when (e is NpgsqlException or IOException)", true)]
    [InlineData("case NpgsqlException or LaneFullException:", true)]
    [InlineData("catch (Exception e) when (e is NpgsqlException or TimeoutException)", false)]
    [InlineData("catch (NpgsqlException e) when (e.InnerException is SocketException or TimeoutException)", false)]
    [InlineData("throw new NpgsqlException(\"The connection broke.\");", false)]
    [InlineData("catch (PostgresException e) when (e.ConstraintName == \"roles_name_key\")", false)]
    public void The_scan_sees(string line, bool isSuspect) => Assert.Equal(isSuspect, IsSuspect(line));

    private static bool IsSuspect(string line) =>
        (line.Contains("catch (NpgsqlException", StringComparison.Ordinal) || line.Contains("is NpgsqlException", StringComparison.Ordinal) || line.Contains("case NpgsqlException", StringComparison.Ordinal))
        && !line.Contains("TimeoutException", StringComparison.Ordinal);
}
