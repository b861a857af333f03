namespace AuthService.Features.DatabaseAdministration;

internal static class DatabaseAdministrationProblems
{
    public static readonly Problem LimitNotValid = new("database.limit_not_valid", 400, "limit is 1 to 100.");
}
