using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace AuthService.Installation;

/// <summary>A setting that stops the start. The message names key, value and what is allowed.</summary>
internal sealed class SettingsException(string message) : Exception(message);

/// <summary>Reads configuration sections into options classes. A key nobody reads or a value out of range is an error, never a shrug.</summary>
internal static class Settings
{
    /// <exception cref="SettingsException">Unknown key, unreadable value, value out of range.</exception>
    public static T Bind<T>(IConfiguration configuration, string section) where T : class, new()
    {
        var options = new T();
        var found = configuration.GetSection(section);
        foreach (var child in found.GetChildren())
        {
            var property = typeof(T).GetProperty(child.Key, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);
            if (property is null || !property.CanWrite)
            {
                var known = string.Join(", ", typeof(T).GetProperties().Where(p => p.CanWrite).Select(p => p.Name));
                throw new SettingsException($"{section}:{child.Key} is not a setting. Section {section} knows: {known}.");
            }

            if (child.Value is null && (child.GetChildren().Any() || property.PropertyType.IsValueType))
            {
                throw new SettingsException($"{section}:{property.Name} needs a value that can be read as {Kind(property.PropertyType)}.");
            }

            try
            {
                property.SetValue(options, child.Get(property.PropertyType));
            }
            catch (InvalidOperationException)
            {
                throw new SettingsException($"{section}:{property.Name} = '{Shown(property, child.Value)}' can't be read as {Kind(property.PropertyType)}.");
            }
        }

        Validate(options, section);
        return options;
    }

    private static void Validate(object options, string section)
    {
        var results = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true)) return;
        throw new SettingsException(string.Join(Environment.NewLine, results.Select(r => Describe(options, section, r))));
    }

    private static string Describe(object options, string section, ValidationResult result)
    {
        var name = result.MemberNames.FirstOrDefault();
        if (name is null || options.GetType().GetProperty(name) is not { } property) return $"{section}: {result.ErrorMessage}";
        var value = Convert.ToString(property.GetValue(options), CultureInfo.InvariantCulture);
        var allowed = property.GetCustomAttribute<RangeAttribute>() is { } range && result.MemberNames.Take(2).Skip(1).FirstOrDefault() is null
            ? string.Create(CultureInfo.InvariantCulture, $"is out of range; allowed: {range.Minimum} to {range.Maximum}.")
            : $"is not valid: {result.ErrorMessage}";
        return $"{section}:{name} = '{Shown(property, value)}' {allowed}";
    }

    /// <summary>A secret is not repeated, also when it is wrong.</summary>
    private static string? Shown(PropertyInfo property, string? value) =>
        property.Name.EndsWith("Key", StringComparison.Ordinal) || property.Name.EndsWith("Password", StringComparison.Ordinal) ? "…" : value;

    private static string Kind(Type type) =>
        type == typeof(TimeSpan) ? "a time span such as 00:15:00" : type == typeof(bool) ? "true or false" : type == typeof(int) ? "a whole number"
        : type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type)) : type.Name;
}
