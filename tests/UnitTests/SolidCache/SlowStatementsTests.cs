using Npgsql;
using SolidCache;

namespace UnitTests.SolidCache;

public class SlowStatementsTests
{
    // Make StatementTiming a class, or describe the command before it is known to be slow, and this fails.
    [Fact]
    public void A_statement_that_is_not_slow_costs_no_memory()
    {
        using var watching = SlowStatements.Watch(TimeSpan.FromMinutes(1), static _ => { });
        using var command = new NpgsqlCommand("SELECT /* Tests/Quick.ask */ $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "secretive" });
        Run(command);   // what is made once is made
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Run(command);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // Leave a watcher in the list when it is disposed, and the second half fails.
    [Fact]
    public void A_watcher_is_told_of_what_is_as_long_as_it_asked_for_until_it_is_disposed()
    {
        var (short_, long_) = (new List<SlowStatement>(), new List<SlowStatement>());
        var name = $"Tests/{Guid.NewGuid():N}.run";
        using var command = new NpgsqlCommand($"SELECT /* {name} */ $1, $2, $3");
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [[1], [2]] });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.NewGuid() });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "secretive" });
        using var other = SlowStatements.Watch(TimeSpan.FromMinutes(1), s => { lock (long_) long_.Add(s); });
        using (SlowStatements.Watch(TimeSpan.FromTicks(1), s => { lock (short_) short_.Add(s); })) Run(command);
        Run(command);

        var told = Assert.Single(short_, s => s.Name == name);
        Assert.Equal("bytea[](2), uuid, text(9)", told.Parameters);
        Assert.DoesNotContain(long_, s => s.Name == name);
    }

    private static void Run(NpgsqlCommand command)
    {
        using (SlowStatements.Time(command)) GC.KeepAlive(command);
    }
}
