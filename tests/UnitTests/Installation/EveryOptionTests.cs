using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using AuthService.Installation;

namespace UnitTests.Installation;

/// <summary>Every key of every section, also those of next year: what is wrong stops the start, and the message names key, value and range.</summary>
public class EveryOptionTests
{
    public static TheoryData<string> SectionNames => [.. Sections.All.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(SectionNames))]
    public void An_unknown_key_is_named_with_those_there_are(string section)
    {
        var message = Refused(section, "NoSuchKey", "1");
        Assert.Contains($"{section}:NoSuchKey", message, StringComparison.Ordinal);
        Assert.All(Sections.Keys(Sections.All[section]), key => Assert.Contains(key.Name, message, StringComparison.Ordinal));
    }

    // Take the range off an option, and nothing here says so: a number or a time without one is named by the test below.
    [Theory]
    [MemberData(nameof(SectionNames))]
    public void A_value_just_outside_its_range_is_named_with_the_range(string section)
    {
        foreach (var (key, range) in Ranges(section))
        {
            foreach (var value in new[] { Outside(key, range, above: false), Outside(key, range, above: true) })
            {
                if (value is null) continue;   // there is nothing beyond
                var message = Refused(section, key.Name, value);
                Assert.Contains($"{section}:{key.Name} = '{value}'", message, StringComparison.Ordinal);
                Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"allowed: {range.Minimum} to {range.Maximum}"), message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [MemberData(nameof(SectionNames))]
    public void Every_number_and_time_has_a_range(string section) => Assert.All(
        Sections.Keys(Sections.All[section]).Where(k => TypeOf(k) is var type && type != typeof(bool) && type != typeof(string) && !type.IsEnum),
        key => Assert.True(key.IsDefined(typeof(RangeAttribute)), $"{section}:{key.Name}"));

    [Theory]
    [MemberData(nameof(SectionNames))]
    public void A_value_that_can_not_be_read_is_named(string section)
    {
        foreach (var key in Sections.Keys(Sections.All[section]).Where(k => TypeOf(k) != typeof(string)))
            Assert.Contains($"{section}:{key.Name} = 'nonsense' can't be read as", Refused(section, key.Name, "nonsense"), StringComparison.Ordinal);
    }

    private static IEnumerable<(PropertyInfo Key, RangeAttribute Range)> Ranges(string section) =>
        from key in Sections.Keys(Sections.All[section])
        let range = key.GetCustomAttribute<RangeAttribute>()
        where range is not null
        select (key, range);

    private static string? Outside(PropertyInfo key, RangeAttribute range, bool above)
    {
        var end = Convert.ToString(above ? range.Maximum : range.Minimum, CultureInfo.InvariantCulture)!;
        if (TypeOf(key) == typeof(TimeSpan)) return (TimeSpan.Parse(end, CultureInfo.InvariantCulture) + TimeSpan.FromMilliseconds(above ? 1 : -1)).ToString("c", CultureInfo.InvariantCulture);
        if (TypeOf(key) == typeof(double)) return (double.Parse(end, CultureInfo.InvariantCulture) + (above ? 1 : -1)).ToString(CultureInfo.InvariantCulture);
        if (end.Contains('E', StringComparison.Ordinal)) return null;   // as large as there are numbers
        var number = Int128.Parse(end, CultureInfo.InvariantCulture) + (above ? 1 : -1);
        var (least, most) = TypeOf(key) == typeof(long) ? ((Int128)long.MinValue, (Int128)long.MaxValue) : (int.MinValue, int.MaxValue);
        return number < least || number > most ? null : number.ToString(CultureInfo.InvariantCulture);
    }

    private static Type TypeOf(PropertyInfo key) => Nullable.GetUnderlyingType(key.PropertyType) ?? key.PropertyType;

    private static string Refused(string section, string key, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"{section}:{key}", value)]).Build();
        var bind = typeof(Settings).GetMethod(nameof(Settings.Bind))!.MakeGenericMethod(Sections.All[section]);
        var failure = Assert.Throws<TargetInvocationException>(() => bind.Invoke(null, [configuration, section]));
        return Assert.IsType<SettingsException>(failure.InnerException).Message;
    }
}
