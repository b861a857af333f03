using FsCheck.Fluent;
using Npgsql;
using SolidCache;
using SolidCache.Postgres;

namespace IntegrationTests.SolidCache;

public class TagHashTests(Servers servers) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = servers.TestTimeout;

    // Triggers bump by solid_cache_tag what nodes know by TagHash. Take other bytes of the digest in either and this fails.
    [Fact]
    public async Task The_schemas_function_gives_the_librarys_number()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", _ct);
        var characters = Gen.Frequency((3, Gen.Choose(1, 0x7e)), (2, Gen.Choose(0x80, 0xd7ff)), (1, Gen.Choose(0xe000, 0xffff)), (2, Gen.Choose(0x10000, 0x10ffff)));
        string[] tags = ["", "user:42", "all", "\u0001d", .. characters.Select(char.ConvertFromUtf32).ListOf().Select(string.Concat).Sample(500, 60)];

        await using var command = database.DataSource.CreateCommand("SELECT array_agg(solid_cache.solid_cache_tag(t) ORDER BY n) FROM unnest($1) WITH ORDINALITY AS q (t, n)");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = tags });
        var numbers = (long[])(await command.ExecuteScalarAsync(_ct))!;

        Assert.Equal(tags.Select(TagHash.Of), numbers);
        Assert.Contains(numbers, number => number < 0);
    }
}
