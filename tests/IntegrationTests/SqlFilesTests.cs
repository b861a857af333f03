using System.Data;
using System.Reflection;
using System.Text.RegularExpressions;
using Npgsql;
using SolidCache.Postgres;

namespace IntegrationTests;

/// <summary>
/// Every statement that the service and the cache own, prepared by a real server: it is valid on the schema they make, its header says
/// which parameters it takes and what it gives back, its tag says where it stands, and somebody runs it.
/// </summary>
public partial class SqlFilesTests(Servers servers) : IClassFixture<Servers>
{
    // Not run here: each needs more than a migrated database, and has its own test.
    private static readonly Dictionary<string, string> OnlyRead = new(StringComparer.Ordinal)
    {
        ["Database/PrivateServer/PrivatePostgres.create_database.sql"] = "no transaction takes it; PrivatePostgresTests",
        ["Seeding/SeedDemonstration.add_checks.sql"] = "stands after drop_checks, with which it is run below; SeedDemonstrationTests",
        ["Explaining/ExplainStatement.explain.sql"] = "runs what prepare has prepared; ExplainStatementsTests",
        ["Explaining/ExplainStatement.release.sql"] = "likewise",
        ["Seeding/SeedDemonstration.rebuild_indexes.sql"] = "stands after drop_indexes, with which it is run below; SeedDemonstrationTests",
    };

    private CancellationToken Ct => servers.TestTimeout;

    // What makes the schema: run as a whole by MigratorTests and SchemaInstallerTests.
    private static readonly string[] Schemas = ["Database/Migrations/", "Postgres/Schema/", "Postgres/log_entries.sql"];

    private static readonly Dictionary<string, Assembly> Projects = new(StringComparer.Ordinal)
    {
        ["AuthService"] = typeof(AuthService.Problem).Assembly,
        ["SolidCache"] = typeof(PostgresStore).Assembly,
    };

    private static IEnumerable<Statement> Files =>
        from project in Projects
        from name in project.Value.GetManifestResourceNames()
        where name.EndsWith(".sql", StringComparison.Ordinal) && !IsSchema(name)
        select Statement.Read(project.Key, name);

    // Give a header a wrong type, leave a parameter out, or drop a column from 0001_users.sql: this names the file.
    [Fact]
    public async Task Every_statement_is_valid_and_takes_and_gives_what_its_header_says()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", Ct);
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        var wrong = new List<string>();
        var seen = 0;
        foreach (var file in Files)
        {
            seen++;
            if (OnlyRead.ContainsKey(file.Name)) continue;
            try
            {
                switch (Verb(file))
                {
                    case "SELECT" or "INSERT" or "UPDATE" or "DELETE" or "WITH":
                        wrong.AddRange((await CompareAsync(connection, file)).Select(w => $"{file.Name}: {w}"));
                        break;
                    case "COPY":
                        await using (await connection.BeginBinaryImportAsync(file.Text, Ct)) { /* nothing is written: leaving cancels it */ }
                        break;
                    default:
                        // No plan is made of these, so they can't be prepared: run, and undone.
                        await RunAndUndoAsync(connection, file);
                        break;
                }
            }
            catch (PostgresException e)
            {
                wrong.Add($"{file.Name}: {e.MessageText}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(seen > 90, $"only {seen} files");
    }

    [Fact]
    public async Task The_keys_and_indexes_that_seeding_drops_it_adds_again()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        foreach (var name in new[] { "drop_indexes", "drop_checks", "rebuild_indexes", "add_checks" })
        {
            await using var command = new NpgsqlCommand(Statement.Read("AuthService", $"Seeding/SeedDemonstration.{name}.sql").Text, connection, transaction);
            await command.ExecuteNonQueryAsync(Ct);
        }
    }

    // Move a file, or copy one and forget its tag, and this fails: slow-query logs and pg_stat_statements would name another.
    [Fact]
    public void Every_statement_is_tagged_with_the_place_where_it_stands()
    {
        foreach (var file in Files)
        {
            var place = file.Name[..^".sql".Length];
            if (place.StartsWith("Features/", StringComparison.Ordinal)) place = place["Features/".Length..];
            place = place.Replace("Database/PrivateServer/", "Database/", StringComparison.Ordinal);   // one place in the design's eyes
            if (file.Project == "SolidCache") place = $"SolidCache/{place}";   // a database has statements of many; this is a guest's
            Assert.True(Tag().Count(file.Text) == 1, $"{file.Name} has not exactly one tag");
            Assert.Equal(place, Tag().Match(file.Text).Groups[1].Value);
        }
    }

    [Fact]
    public void Every_statement_says_why_it_is_there()
    {
        foreach (var file in Files)
        {
            // The driver looks for COPY at the very beginning, so there the comment comes after.
            var comment = Verb(file) == "COPY" ? file.Text.Split('\n').First(l => l.StartsWith("-- ", StringComparison.Ordinal)) : file.Text.Split('\n')[0];
            Assert.True(comment.StartsWith("-- ", StringComparison.Ordinal), $"{file.Name} does not begin with a comment");
            Assert.DoesNotMatch(@"\bSELECT\s+\*", file.Text);
        }
    }

    // Remove the last use of a file and this names it; a use without a file fails at once, when its class is first touched.
    [Theory]
    [InlineData("AuthService")]
    [InlineData("SolidCache")]
    public void Every_file_is_run_by_the_type_it_stands_beside_and_every_type_finds_its_file(string project)
    {
        var source = Path.Combine(Root(), "src", project);
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories))
        {
            var folder = Path.GetRelativePath(source, Path.GetDirectoryName(path)!).Replace('\\', '/');
            if (folder.StartsWith("obj", StringComparison.Ordinal) || folder.StartsWith("bin", StringComparison.Ordinal)) continue;
            var text = File.ReadAllText(path);
            foreach (Match use in Beside().Matches(text)) used.Add($"{folder}/{use.Groups[1].Value}.{use.Groups[2].Value}.sql".Replace("./", "", StringComparison.Ordinal));
            foreach (Match use in ReadByName().Matches(text)) used.Add(use.Groups[1].Value);
        }

        Assert.Equal(Files.Where(f => f.Project == project).Select(f => f.Name).Order(StringComparer.Ordinal), used.Where(u => !IsSchema(u)).Order(StringComparer.Ordinal));
        foreach (var file in Directory.EnumerateFiles(source, "*.sql", SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal)))
        {
            var name = Path.GetRelativePath(source, file).Replace('\\', '/');
            Assert.True(Projects[project].GetManifestResourceInfo(name) is not null, $"{name} is not embedded");
            if (IsSchema(name)) continue;
            Assert.True(File.Exists(Path.Combine(source, name.Split('.')[0] + ".cs")), $"{name} stands beside no type of that name");
        }
    }

    // All SQL is in files: nothing else would be prepared, tagged and explained.
    [Theory]
    [InlineData("AuthService")]
    [InlineData("SolidCache")]
    public void No_statement_is_written_in_a_cs_file(string project)
    {
        var source = Path.Combine(Root(), "src", project);
        var found =
            from path in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            where !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal)
            from line in File.ReadLines(path).Select((text, index) => (Text: text, Number: index + 1))
            where SqlText().IsMatch(line.Text)
            select $"{Path.GetRelativePath(source, path)}:{line.Number}: {line.Text.Trim()}";
        Assert.Empty(found);
    }

    private async Task<List<string>> CompareAsync(NpgsqlConnection connection, Statement file)
    {
        var wrong = new List<string>();
        var declared = Parameters(file);
        for (var i = 0; i < declared.Count; i++)
        {
            if (declared[i].Number != i + 1) wrong.Add($"the header names ${declared[i].Number} where ${i + 1} comes");
        }

        // What the server makes of the text alone.
        await RunAsync(connection, $"PREPARE inferred AS {file.Text}");
        var inferred = await TypesAsync(connection, "inferred");
        await RunAsync(connection, "DEALLOCATE inferred");
        if (inferred.Length != declared.Count) return [.. wrong, $"{inferred.Length} parameters, {declared.Count} in the header"];
        for (var i = 0; i < inferred.Length; i++)
        {
            // LIMIT and OFFSET take a bigint; the service sends the integer it has.
            if (declared[i].Type != inferred[i] && (declared[i].Type, inferred[i]) != ("integer", "bigint")) wrong.Add($"${i + 1} {declared[i].Name} is {inferred[i]}, the header says {declared[i].Type}");
        }

        // And with the types the service sends.
        var types = declared.Count == 0 ? "" : $"({string.Join(", ", declared.Select(d => d.Type))})";
        await RunAsync(connection, $"PREPARE declared{types} AS {file.Text}");
        await RunAsync(connection, "DEALLOCATE declared");

        var columns = await ColumnsAsync(connection, file, declared);
        var said = Columns(file);
        if (!columns.SequenceEqual(said, StringComparer.Ordinal)) wrong.Add($"gives ({string.Join(", ", columns)}), the header says ({string.Join(", ", said)})");
        return wrong;
    }

    private static async Task<List<string>> ColumnsAsync(NpgsqlConnection connection, Statement file, List<(int Number, string Name, string Type)> declared)
    {
        await using var command = new NpgsqlCommand(file.Text, connection);
        foreach (var parameter in declared) command.Parameters.Add(new NpgsqlParameter { DataTypeName = parameter.Type, Value = DBNull.Value });
        // Asks for the description alone; nothing runs.
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SchemaOnly);
        return [.. Enumerable.Range(0, reader.FieldCount).Select(i => Canonical(reader.GetDataTypeName(i))).Where(t => t != "void")];
    }

    private async Task RunAndUndoAsync(NpgsqlConnection connection, Statement file)
    {
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await using var command = new NpgsqlCommand(file.Text, connection, transaction);
        await command.ExecuteNonQueryAsync(Ct);
        await transaction.RollbackAsync(Ct);
    }

    private static async Task<string[]> TypesAsync(NpgsqlConnection connection, string name)
    {
        await using var command = new NpgsqlCommand("SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = $1", connection);
        command.Parameters.AddWithValue(name);
        return [.. ((string[])(await command.ExecuteScalarAsync())!).Select(Canonical)];
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first word that is no comment.</summary>
    private static string Verb(Statement file) => FirstWord().Match(Comments().Replace(file.Text, "")).Value.ToUpperInvariant();

    /// <summary>The lines <c>-- $1 name type</c>.</summary>
    private static List<(int Number, string Name, string Type)> Parameters(Statement file) =>
        [.. Parameter().Matches(file.Text).Select(m => (int.Parse(m.Groups["number"].Value, System.Globalization.CultureInfo.InvariantCulture), m.Groups["name"].Value, Canonical(m.Groups["type"].Value)))];

    /// <summary>The types of <c>-- -> name type, name type   (how many rows)</c>, which may go on over several lines.</summary>
    private static List<string> Columns(Statement file)
    {
        var lines = file.Text.Split('\n').SkipWhile(l => !l.StartsWith("-- -> ", StringComparison.Ordinal)).TakeWhile(l => l.StartsWith("--", StringComparison.Ordinal)).ToList();
        if (lines.Count == 0) return [];
        var text = string.Join(' ', lines.Select(l => l.TrimStart('-', ' ', '>')));
        var remark = text.IndexOf("   (", StringComparison.Ordinal);
        if (remark >= 0) text = text[..remark];
        if (text.Trim() is "nothing" or "nothing void") return [];
        return [.. text.Split(',').Select(c => Canonical(string.Join(' ', c.Trim().Split(' ').Skip(1)))).Where(t => t != "void")];
    }

    private static string Canonical(string type)
    {
        type = type.Trim();
        var array = type.EndsWith("[]", StringComparison.Ordinal);
        if (array) type = type[..^2];
        type = type switch
        {
            "int" or "int4" => "integer",
            "int8" => "bigint",
            "bool" => "boolean",
            "timestamptz" => "timestamp with time zone",
            _ => type,
        };
        return array ? type + "[]" : type;
    }

    private static bool IsSchema(string name) => Schemas.Any(schema => name.StartsWith(schema, StringComparison.Ordinal));

    private static string Root()
    {
        var folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No repository here.");
        return folder;
    }

    [GeneratedRegex(@"--[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comments();

    [GeneratedRegex("[A-Za-z]+")]
    private static partial Regex FirstWord();

    [GeneratedRegex(@"^-- \$(?<number>\d+) (?<name>\w+) (?<type>[\w \[\]]+?) *$", RegexOptions.Multiline)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"/\* ((?:[A-Za-z]+/)+[A-Za-z]+\.[a-z_]+) \*/")]
    private static partial Regex Tag();

    [GeneratedRegex("SqlFile\\.Beside<(\\w+)>\\(\"(\\w+)\"\\)")]
    private static partial Regex Beside();

    [GeneratedRegex("SqlFile\\.Read\\(\"([^\"]+)\"\\)")]
    private static partial Regex ReadByName();

    [GeneratedRegex("\"\\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|DROP|COPY|LOCK|SET|LISTEN|NOTIFY) [a-zA-Z_$*(]", RegexOptions.ExplicitCapture)]
    private static partial Regex SqlText();

    private sealed record Statement(string Project, string Name, string Text)
    {
        public static Statement Read(string project, string name)
        {
            using var reader = new StreamReader(Projects[project].GetManifestResourceStream(name)!);
            return new Statement(project, name, reader.ReadToEnd());
        }
    }
}
