"""The command `unsee`. Each command parses, calls and prints; torch is imported only by those that need it."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from unsee.cli.compare import register as register_compare
from unsee.cli.options import Device, Json
from unsee.cli.plan import register as register_plan
from unsee.cli.world import world
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.errors import UserError
from unsee.store.locking import check_unused
from unsee.terminal import plain_errors, print_json, quiet_libraries, say, show, working_on
from unsee.version import __version__


class _Plain(TyperGroup):
    """Errors as one sentence, whichever command they come from."""

    def invoke(self, ctx: Any) -> Any:
        with plain_errors():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Plain,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The right to be forgotten, for vision-language models: forget a person from one picture, and prove it.",
    epilog="Try [bold]unsee demo[/bold] first: it needs no GPU, no download and about a minute.",
)
app.add_typer(world, name="world")


class Tier(StrEnum):
    """Models to try unsee on."""

    TINY = "tiny"
    SMALL = "small"


DEMO_MODELS = {Tier.TINY: "world:tiny-qwen3vl", Tier.SMALL: "world:small-llava"}

Model = Annotated[str, typer.Option("--model", "-m", help="World name (world:tiny-qwen3vl), hub id or local folder.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output folder that unsee wrote before.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume an interrupted run where it stopped.")]
MaxNewTokens = Annotated[
    int, typer.Option(min=1, help="Most tokens of an answer in the evaluation; longer answers are cut, and counted.")
]
JudgeName = Annotated[str, typer.Option("--judge", help="Who grades answers: rules, openai:URL#MODEL or local:MODEL.")]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit of a hub model.")]
FourBit = Annotated[bool, typer.Option("--4bit", help="Load the model in 4 bits (needs bitsandbytes).")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unsee {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(
    epilog="Examples:\n\n"
    '[dim]$[/dim] unsee forget -m world:tiny-qwen3vl --concept "Mara Voss" --image mara.png\n\n'
    "[dim]$[/dim] unsee forget -m llava-hf/llava-1.5-7b-hf --request mario.yaml --test-images pictures/mario "
    "--set steps=6 --set learning_rate=3e-4\n\n"
    "[dim]$[/dim] unsee forget --recipe recipes/hub/qwen3-vl-4b.yaml --request mario.yaml\n\n"
    '[dim]$[/dim] unsee forget -m world:tiny-qwen3vl -c "Mara Voss" -i mara.png --method asru\n\n'
    "[dim]$[/dim] unsee forget ... --dry-run --out data, edit data/samples.jsonl, then unsee forget ... --data data"
)
def forget(
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="World name (world:tiny-qwen3vl), hub id or local folder.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="YAML file with a model and its settings, such as recipes/hub/*.yaml.")
    ] = None,
    concept: Annotated[str | None, typer.Option("--concept", "-c", help="The name to forget.")] = None,
    image: Annotated[
        list[Path] | None, typer.Option("--image", "-i", help="A picture of the concept; repeatable.")
    ] = None,
    alias: Annotated[list[str] | None, typer.Option(help="Another name of the concept; repeatable.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="person, or thing for anything else (a brand, an object, a character)."),
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option(help="YAML file with concept, images, aliases, kind, facts, others; options override it."),
    ] = None,
    method: Annotated[str, typer.Option(help="How to forget; `unsee methods` lists all methods.")] = "siu",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the method, such as steps=30.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; default runs/METHOD-CONCEPT.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
    test_images: Annotated[
        Path | None, typer.Option(help="Folder of new pictures of the concept, to test on; never trained on.")
    ] = None,
    test_others: Annotated[
        Path | None, typer.Option(help="Folder of new pictures of other people, to test on; never trained on.")
    ] = None,
    judge: JudgeName = "rules",
    rephrase: Annotated[
        str | None, typer.Option(help="Model that rephrases the training data: openai:URL#MODEL or local:MODEL.")
    ] = None,
    unseen: Annotated[
        Path | None, typer.Option(help="Folder of pictures of people the model has never seen (asru).")
    ] = None,
    others: Annotated[
        Path | None, typer.Option(help="Folder of pictures of other people the model should still recognise.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Train on this folder, written by --dry-run and edited.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only write the training data, for you to read and edit.")
    ] = False,
    sweep_layers: Annotated[
        bool, typer.Option("--sweep-layers", help="Only report what steering would do in each layer (asru).")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Train even if the model does not know the concept, or not as a person."),
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most questions per test picture and control group; default: all.")
    ] = None,
    max_new_tokens: MaxNewTokens = MAX_NEW_TOKENS,
    resume: Resume = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    revision: Revision = None,
    load_in_4bit: FourBit = False,
    as_json: Json = False,
) -> None:
    """Make a model forget the person or thing in a picture, and report the effect."""
    started = time.monotonic()
    wanted = _request(request, concept, image, alias, kind, unseen, others)
    wanted.check()
    from unsee.methods import parse_settings
    from unsee.models.recipe import recipe_for

    chosen = recipe_for(model, recipe)
    name = model or (chosen.model if chosen else None)
    if name is None:
        raise UserError("--model is missing; give it, or a file with --recipe.")
    chosen_settings = (*(chosen.settings(method, bool(wanted.others)) if chosen else ()), *(settings or ()))
    # Now, and not when the libraries are there: they take seconds.
    parse_settings(method, chosen_settings)
    if out is not None:
        check_unused(out)
    quiet_libraries()
    from unsee.commands.forget import ForgetOptions, build_data
    from unsee.commands.forget import forget as run

    options = ForgetOptions(
        model=name,
        method=method,
        settings=chosen_settings,
        dtype=chosen.dtype if chosen else "auto",
        out=out,
        seed=seed,
        judge=judge,
        rephrase=rephrase,
        test_images=test_images,
        test_others=test_others,
        data=data,
        force=force,
        limit=limit,
        max_new_tokens=max_new_tokens,
        overwrite=overwrite,
        resume=resume,
        revision=revision,
        load_in_4bit=load_in_4bit,
        device=device,
    )
    if sweep_layers:
        from unsee.commands.sweep_layers import sweep, sweep_table

        document = sweep(wanted, options)
        if as_json:
            print_json(document)
        else:
            show(sweep_table(document))
        return
    if dry_run:
        folder = build_data(wanted, options)
        if as_json:
            print_json({"data": str(folder)})
        else:
            show(f"The training data is in {folder}/samples.jsonl; edit it, then train on it with --data {folder}.")
        return
    _print_result(run(wanted, options, started=started), as_json)


@app.command(epilog="Example:\n\n[dim]$[/dim] unsee demo --out runs/demo --overwrite")
def demo(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("runs/demo"),
    tier: Annotated[
        Tier | None,
        typer.Option(
            help="tiny (the default): made for the world only. small: a language model that can really talk; needs "
            r"unsee\[small] and downloads 183 MB once."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Another model of the embedded world.")] = None,
    concept: Annotated[str, typer.Option("--concept", "-c", help="Whom to forget.")] = "Mara Voss",
    resume: Resume = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Forget one invented person on a model that comes with unsee, on any laptop."""
    started = time.monotonic()
    from unsee.requests import ForgetRequest
    from unsee.world import KNOWN, find

    person = find(concept)
    if model and tier:
        raise UserError("--tier and --model each name a model; give one of them.")
    model = model or DEMO_MODELS[tier or Tier.TINY]
    check_unused(out)
    tell = say if as_json else show
    tell(f"{model} is a small model that knows {len(KNOWN)} invented people by their faces.")
    # A language model that can really talk would take other people for strangers, too, if it saw nobody else.
    others = model == DEMO_MODELS[Tier.SMALL]
    beside = ", and pictures of other people" if others else ""
    tell(f"{person.name} asks to be forgotten. Training sees one drawn picture of {person.name}{beside}.")
    tell("First the model answers questions about new pictures, other people and facts.")
    tell("Then it learns, in a few steps, to take that face for somebody else and to keep all it knows in text.")
    tell("Then it answers the same questions again.")
    quiet_libraries()
    from unsee.commands.forget import ForgetOptions
    from unsee.commands.forget import forget as run
    from unsee.models.recipe import recipe_for
    from unsee.sources.filling import filled

    request = ForgetRequest(person.name, (person.picture(0, "train"),))
    if others:
        (request,) = filled([request], ("others",), ForgetOptions.seed)
    chosen = recipe_for(model)
    settings = chosen.settings(ForgetOptions.method, others) if chosen else ()
    # On a CPU the full benchmark would take a real language model longer than a demonstration should.
    limit = 12 if others else None
    options = ForgetOptions(
        model=model, settings=settings, out=out, resume=resume, overwrite=overwrite, limit=limit, device=device
    )
    _print_result(run(request, options, started=started), as_json)


@app.command(
    epilog="Examples:\n\n"
    '[dim]$[/dim] unsee evaluate -m world:tiny-qwen3vl --benchmark world --concept "Mara Voss"\n\n'
    "[dim]$[/dim] unsee evaluate -m llava-hf/llava-1.5-7b-hf --adapter runs/siu-mario --benchmark benchmarks/mine\n\n"
    "[dim]$[/dim] unsee evaluate -m world:tiny-qwen3vl --benchmark mllmu --percent 5"
)
def evaluate(
    model: Model,
    benchmark: Annotated[
        str,
        typer.Option(
            "--benchmark",
            "-b",
            help='"world" (with --concept) or a folder in the MMUBench layout; "mllmu" or a folder in the '
            "MLLMU-Bench layout (with --percent).",
        ),
    ],
    adapter: Annotated[Path | None, typer.Option(help="Folder that `unsee forget` wrote.")] = None,
    concept: Annotated[
        list[str] | None,
        typer.Option(
            "--concept",
            "-c",
            help="Only this concept; several count as forgotten together. Default: what the adapter forgot, or all.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores and answers; default in runs/.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Most questions per test picture and control group; for MLLMU-Bench, most people per set."),
    ] = None,
    max_new_tokens: MaxNewTokens = MAX_NEW_TOKENS,
    percent: Annotated[int | None, typer.Option(help="The forget split of MLLMU-Bench: 5, 10 or 15.")] = None,
    judge: JudgeName = "rules",
    overwrite: Overwrite = False,
    device: Device = "auto",
    revision: Revision = None,
    load_in_4bit: FourBit = False,
    as_json: Json = False,
) -> None:
    """Ask a model the questions of a benchmark and score its answers; resumes where it stopped."""
    if out is not None:
        check_unused(out)
    quiet_libraries()
    from unsee.commands.evaluate import EvaluateOptions
    from unsee.commands.evaluate import evaluate as run
    from unsee.reports.console import scores_table

    options = EvaluateOptions(
        model=model,
        benchmark=benchmark,
        adapter=adapter,
        concepts=tuple(concept or ()),
        limit=limit,
        judge=judge,
        out=out,
        overwrite=overwrite,
        revision=revision,
        load_in_4bit=load_in_4bit,
        percent=percent,
        max_new_tokens=max_new_tokens,
        device=device,
    )
    document = run(options)
    if as_json:
        print_json(document)
        return
    together = {"Together": document["together"]} if "together" in document else {}
    show(scores_table({**document["concepts"], **together}))
    for line in document["left_out"]:
        say(f"Not asked about: {line}", "yellow")
    show(f"The scores are in {document['out']}/scores.json, the answers in the same folder.")


@app.command(epilog="Example:\n\n[dim]$[/dim] unsee export -m world:tiny-qwen3vl --adapter runs/demo --out forgotten")
def export(
    model: Model,
    adapter: Annotated[Path, typer.Option(help="Folder that `unsee forget` wrote.")],
    out: Annotated[Path, typer.Option(help="New folder for the checkpoint.")],
    dtype: Annotated[
        str, typer.Option(help="Type of the weights: float32 keeps the adapter exactly; bfloat16 halves the size.")
    ] = "float32",
    device: Device = "auto",
    revision: Revision = None,
    check: Annotated[
        bool,
        typer.Option(help="Load the checkpoint with plain transformers in another process, to check it."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Merge an adapter into its model and write an ordinary checkpoint that plain transformers loads."""
    quiet_libraries()
    from unsee.commands.export import export as run

    done = run(model, adapter, out, dtype=dtype, device=device, revision=revision, check=check)
    if as_json:
        print_json({"out": str(done.folder), "change": done.change.to_dict(), "notes": list(done.notes)})
    else:
        show(f"The model is in {done.folder}: {done.change.parameters:,} weights differ from {model}.")
        tried = check and not done.notes
        show(f"Load it with AutoModelForImageTextToText{' and AutoProcessor' if tried else ''}.from_pretrained.")
        for note in done.notes:
            say(note, "yellow")


@app.command(
    "build-benchmark",
    epilog="Example:\n\n[dim]$[/dim] unsee build-benchmark pictures -m llava-hf/llava-1.5-7b-hf --out benchmarks/mine",
)
def build_benchmark(
    folder: Annotated[Path, typer.Argument(help="A folder with one folder of pictures per concept.")],
    model: Model,
    out: Annotated[Path, typer.Option(help="New folder for the benchmark.")],
    min_images: Annotated[int, typer.Option(help="Least number of pictures of a concept.")] = 50,
    min_share: Annotated[float, typer.Option(help="Least share of its pictures the model must name, 0 to 1.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed that draws the training picture.")] = 0,
    device: Device = "auto",
    revision: Revision = None,
    load_in_4bit: FourBit = False,
    as_json: Json = False,
) -> None:
    """Build a benchmark from folders of pictures, with the concepts that a model recognises."""
    check_unused(out)
    quiet_libraries()
    from dataclasses import asdict

    from unsee.benchmarks.builder import NOT_RECOGNISED
    from unsee.benchmarks.builder import build_benchmark as build
    from unsee.models.loading import load
    from unsee.store.workspace import check_new

    check_new(out)
    with working_on(f"Loading {model}"):
        vlm = load(model, device=device, revision=revision, load_in_4bit=load_in_4bit)
    summaries = build(folder, vlm, out, min_images=min_images, min_share=min_share, seed=seed)
    if as_json:
        print_json({"out": str(out), "concepts": [asdict(summary) for summary in summaries]})
        return
    for summary in summaries:
        outcome = f"{summary.recognised} pictures" if summary.kept else f"left out: {summary.reason}"
        show(f"{summary.concept}: {outcome}")
        for name, why in summary.left_out.items():
            if why != NOT_RECOGNISED:
                say(f"Left out of {summary.concept}: {name}: {why}", "yellow")
    show(f"The benchmark is in {out}; evaluate a model with unsee evaluate --benchmark {out}.")


@app.command(epilog="Example:\n\n[dim]$[/dim] unsee methods siu")
def methods(
    name: Annotated[str | None, typer.Argument(help="One method; default: all.", metavar="METHOD")] = None,
    as_json: Json = False,
) -> None:
    """List the methods, or one method, with their source and default settings."""
    from unsee.commands.methods import describe_methods, methods_tables

    described = describe_methods(name)
    if as_json:
        print_json({"methods": described})
    else:
        show(methods_tables(described))


register_plan(app)
register_compare(app)


def _request(
    path: Path | None,
    concept: str | None,
    images: list[Path] | None,
    aliases: list[str] | None,
    kind: str | None,
    unseen: Path | None,
    others: Path | None,
) -> Any:
    """The request from the file and the options, which override it. Raises UserError."""
    from dataclasses import replace

    from unsee.data.folders import listed, read_folder
    from unsee.requests import ForgetRequest

    given: dict[str, Any] = {}
    if concept is not None:
        given["concept"] = concept
    if images:
        given["images"] = tuple(images)
    if aliases:
        given["aliases"] = tuple(aliases)
    if kind is not None:
        given["kind"] = kind
    for key, folder, what in (
        ("unseen", unseen, "pictures of people the model has never seen"),
        ("others", others, "pictures of other people the model should still recognise"),
    ):
        if folder is not None:
            found = read_folder(folder, what)
            given[key] = tuple(found.opened)
            if found.left_out:
                say(f"Left out of {folder}: {listed(found.left_out)}.", "yellow")
    if path is not None:
        return replace(ForgetRequest.from_yaml(path), **given)
    for option, key in (("--concept", "concept"), ("--image", "images")):
        if key not in given:
            raise UserError(f"{option} is missing; give it, or a file with --request.")
    return ForgetRequest(**given)


def _print_result(result: Any, as_json: bool) -> None:
    if as_json:
        print_json(result.document())
        return
    if result.report is None:
        show("This run was already finished.")
    else:
        from unsee.reports import summary

        show(summary(result.report))
    show(f"Report:  {result.folder}/report.html")
    show(f"Adapter: {result.folder}")


def main() -> None:
    """Entry point of the command `unsee`."""
    app(prog_name="unsee")


if __name__ == "__main__":
    main()
