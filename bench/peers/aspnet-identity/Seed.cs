using Microsoft.AspNetCore.Identity;

namespace AspNetIdentity;

/// <summary>Accounts <c>u{n}@example.com</c> with two roles of eight permissions each, like the demonstration data of the service.</summary>
internal static class Seed
{
    public const string Permission = "permission";

    private const int Users = 1_000;
    private const int Roles = 50;
    private const int PermissionsPerRole = 8;

    public static async Task FillAsync(Accounts accounts, string password)
    {
        if (!await accounts.Database.EnsureCreatedAsync()) return;
        var roles = Enumerable.Range(1, Roles).Select(i => new IdentityRole($"role{i}") { NormalizedName = $"ROLE{i}" }).ToArray();
        accounts.Roles.AddRange(roles);
        for (var i = 0; i < Roles; i++)
        {
            for (var k = 0; k < PermissionsPerRole; k++)
                accounts.RoleClaims.Add(new IdentityRoleClaim<string> { RoleId = roles[i].Id, ClaimType = Permission, ClaimValue = $"res{(i * 7 + k * 12) % 100}:read" });
        }

        // One hash for all: a thousand would take a minute.
        var hash = new PasswordHasher<IdentityUser>().HashPassword(new IdentityUser(), password);
        for (var n = 1; n <= Users; n++)
        {
            var email = $"u{n}@example.com";
            var normalized = email.ToUpperInvariant();
            var user = new IdentityUser(email) { Email = email, NormalizedEmail = normalized, NormalizedUserName = normalized, PasswordHash = hash };
            accounts.Users.Add(user);
            accounts.UserRoles.Add(new IdentityUserRole<string> { UserId = user.Id, RoleId = roles[n % Roles].Id });
            accounts.UserRoles.Add(new IdentityUserRole<string> { UserId = user.Id, RoleId = roles[(n + Roles / 2) % Roles].Id });
        }

        await accounts.SaveChangesAsync();
    }
}
