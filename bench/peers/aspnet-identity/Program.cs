using System.Security.Claims;
using AspNetIdentity;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

// What ASP.NET Core brings along: Identity's own endpoints on Entity Framework Core, as its documentation sets them up.
var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
var database = builder.Configuration["PEER_DATABASE"] ?? throw new InvalidOperationException("PEER_DATABASE: Npgsql's connection string of an empty database.");
var password = builder.Configuration["PEER_PASSWORD"] ?? throw new InvalidOperationException("PEER_PASSWORD: what every account signs in with.");
builder.Services.AddDbContextPool<Accounts>(options => options.UseNpgsql(database));
builder.Services.AddIdentityApiEndpoints<IdentityUser>().AddRoles<IdentityRole>().AddEntityFrameworkStores<Accounts>();
builder.Services.AddAuthorization();
builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();   // leaves no keys in anybody's home

var app = builder.Build();
await using (var scope = app.Services.CreateAsyncScope())
{
    await Seed.FillAsync(scope.ServiceProvider.GetRequiredService<Accounts>(), password);
}

app.UseAuthentication();
app.UseAuthorization();
app.MapGroup("/auth").MapIdentityApi<IdentityUser>();
app.MapGet("/me", (ClaimsPrincipal caller) => caller.FindAll(Seed.Permission).Select(claim => claim.Value)).RequireAuthorization();
app.MapGet("/ready", () => Results.Ok());
await app.RunAsync();
