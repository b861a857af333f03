using AuthService.Database;
using AuthService.Passwords;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;

namespace IntegrationTests.Freshness;

/// <summary>The accounts and roles of a run, written by SQL before any process starts, and the switches that they are to those who ask.</summary>
internal sealed class Population
{
    public const string AdministratorEmail = "root@example.com";
    public const string ReaderEmail = "reader@example.com";

    public const string RolesOfAccounts = "roles of accounts";
    public const string PermissionsOfRoles = "permissions of roles";
    public const string Accounts = "accounts";
    public const string DeletedAccounts = "deleted accounts";

    private const int Holders = 24;
    private const int EditedRoles = 3;
    private const int Active = 6;
    private const int SignedIn = 2;
    private const int Reserve = 8;

    // A permission for each role that has one; roles are named like it.
    private static readonly string[] Granted = ["granted0", "granted1"];
    private static readonly string[] Edited = [.. Enumerable.Range(0, EditedRoles).Select(n => $"edited{n}")];
    private const string Constant = "constant";

    private static readonly Lazy<string> Hash = new(() => Argon2id.Hash(Account.StandardPassword, 19_456, 2));

    private Population(Func<string, long> user, Func<string, long> role, Func<string, long> permission, int doomed)
    {
        long[] holders = [.. Enumerable.Range(0, Holders).Select(n => user($"holder{n}"))];
        RoleRights = [.. from n in Enumerable.Range(0, Holders) from name in Granted select RoleRight($"holder{n}", name, isOn: (n & 1) == 0)];
        EditedRights = [.. Edited.Select(name => new RightSwitch(
            PermissionsOfRoles, name, isOn: true, "fresh:" + name, $"/api/v1/roles/{role("fresh-" + name)}/permissions/{permission(name)}", holders))];
        ActivePeople = [.. Enumerable.Range(0, Active).Select(n => Person($"active{n}", Accounts))];
        Doomed = [.. Enumerable.Range(0, doomed).Select(n => Person($"doomed{n}", DeletedAccounts))];
        SignedInPeople = [.. Enumerable.Range(0, SignedIn).Select(n => Person($"signedin{n}", Accounts))];
        Reserved = [.. Enumerable.Range(0, Reserve).Select(n => RoleRight($"reserved{n}", Granted[0], isOn: false))];

        RightSwitch RoleRight(string name, string right, bool isOn) => new(
            RolesOfAccounts, $"{right} of {name}", isOn, "fresh:" + right, $"/api/v1/users/{user(name)}/roles/{role("fresh-" + right)}", user(name));

        Person Person(string name, string kind) => new(
            user(name), name, new RightSwitch(kind, name, isOn: true, "fresh:" + Constant, $"/api/v1/users/{user(name)}", user(name)));
    }

    /// <summary>Roles of accounts, granted and revoked. Of every other account they are granted at first.</summary>
    public IReadOnlyList<RightSwitch> RoleRights { get; }

    /// <summary>Permissions of roles that all those accounts have.</summary>
    public IReadOnlyList<RightSwitch> EditedRights { get; }

    /// <summary>Who is deactivated and activated.</summary>
    public IReadOnlyList<Person> ActivePeople { get; }

    /// <summary>Who is deleted, one after another.</summary>
    public IReadOnlyList<Person> Doomed { get; }

    /// <summary>Who signs in and out. Nothing else happens to them.</summary>
    public IReadOnlyList<Person> SignedInPeople { get; }

    /// <summary>Roles of accounts that only faults change. Off at first.</summary>
    public IReadOnlyList<RightSwitch> Reserved { get; }

    public IEnumerable<RightSwitch> All =>
        [.. RoleRights, .. EditedRights, .. ActivePeople.Select(p => p.Right), .. Doomed.Select(p => p.Right), .. SignedInPeople.Select(p => p.Right), .. Reserved];

    /// <summary>Migrates a database as far as it has to be, and fills it.</summary>
    /// <param name="doomed">How many accounts there are to be deleted.</param>
    public static async Task<Population> CreateAsync(string connectionString, int doomed, CancellationToken ct)
    {
        await using var db = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        await SolidCacheSchema.InstallAsync(db, token: ct);
        await new Migrator(db, NullLogger<Migrator>.Instance).ApplyAsync(ct);
        await FillAsync(db, doomed, ct);
        var users = await ReadAsync(db, "SELECT username, id FROM users", ct);
        var roles = await ReadAsync(db, "SELECT name, id FROM roles", ct);
        var permissions = await ReadAsync(db, "SELECT action, id FROM permissions WHERE resource = 'fresh'", ct);
        return new Population(name => users[name], name => roles[name], name => permissions[name], doomed);
    }

    private static async Task FillAsync(NpgsqlDataSource db, int doomed, CancellationToken ct)
    {
        string[] rights = [.. Granted, .. Edited, Constant];
        string[] names =
        [
            "root", "reader", .. Numbered("holder", Holders), .. Numbered("active", Active), .. Numbered("doomed", doomed), .. Numbered("signedin", SignedIn),
            .. Numbered("reserved", Reserve),
        ];
        await ExecuteAsync("INSERT INTO permissions (resource, action) SELECT 'fresh', name FROM unnest($1::text[]) name", [rights]);
        await ExecuteAsync("INSERT INTO roles (name) SELECT 'fresh-' || name FROM unnest($1::text[] || 'reader'::text) name", [rights]);
        await ExecuteAsync(
            """
            INSERT INTO role_permissions (role_id, permission_id)
            SELECT r.id, p.id FROM roles r JOIN permissions p
            ON     (p.resource = 'fresh' AND r.name IN ('admin', 'fresh-' || p.action)) OR (r.name = 'fresh-reader' AND p.resource || ':' || p.action = 'users:read')
            """, []);
        await ExecuteAsync("INSERT INTO users (email, username, password_hash) SELECT name || '@example.com', name, $2 FROM unnest($1::text[]) name", [names, Hash.Value]);
        await ExecuteAsync(
            """
            INSERT INTO user_roles (user_id, role_id)
            SELECT u.id, r.id
            FROM   (SELECT id, regexp_replace(username, '\d+$', '') AS kind, coalesce(substring(username FROM '\d+$')::integer, 0) AS number FROM users) u
            JOIN   roles r
            ON     (u.kind = 'root' AND r.name = 'admin') OR (u.kind = 'reader' AND r.name = 'fresh-reader')
            OR     (u.kind = 'holder' AND (r.name LIKE 'fresh-edited%' OR (u.number % 2 = 0 AND r.name LIKE 'fresh-granted%')))
            OR     (u.kind IN ('active', 'doomed', 'signedin') AND r.name = 'fresh-constant')
            """, []);

        async Task ExecuteAsync(string sql, object[] parameters)
        {
            await using var command = db.CreateCommand(sql);
            foreach (var parameter in parameters) command.Parameters.AddWithValue(parameter);
            await command.ExecuteNonQueryAsync(ct);
        }

        static IEnumerable<string> Numbered(string name, int count) => Enumerable.Range(0, count).Select(n => $"{name}{n}");
    }

    private static async Task<Dictionary<string, long>> ReadAsync(NpgsqlDataSource db, string sql, CancellationToken ct)
    {
        await using var command = db.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync(ct);
        var numbers = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await row.ReadAsync(ct)) numbers[row.GetString(0)] = row.GetInt64(1);
        return numbers;
    }
}
