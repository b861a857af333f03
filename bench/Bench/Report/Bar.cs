namespace Bench.Report;

/// <summary>What a figure must reach, and what it shall.</summary>
/// <param name="AtLeast">Null: there is only a goal.</param>
/// <param name="Unit">Written behind both.</param>
internal readonly record struct Bar(double? AtLeast, double Goal, string Unit)
{
    /// <summary>Whether a smaller figure is the better one.</summary>
    public bool IsLimit { get; init; }

    /// <summary>Time, memory, statements: less is better.</summary>
    public static Bar AtMost(double? limit, double goal, string unit) => new(limit, goal, unit) { IsLimit = true };

    public string Meets(double figure)
    {
        if (Reaches(figure, Goal)) return "goal";
        return AtLeast is { } least && Reaches(figure, least) ? "at least" : "no";
    }

    private bool Reaches(double figure, double bar) => IsLimit ? figure <= bar : figure >= bar;
}
