namespace AuthService.Features.SystemSettings;

internal static class SystemSettingsProblems
{
    public static readonly Problem NotFound = new("settings.not_found", 404, "There is no such setting.");

    public static readonly Problem KeyNotValid =
        new("settings.key_not_valid", 400, "A setting's name has 1 to 128 letters a to z, digits, dots, dashes and underscores, and begins with a letter.");

    public static readonly FieldError ValueTooLarge = new("/value", "settings.value_too_large", "The value has more than 64 KiB as text.");
}
