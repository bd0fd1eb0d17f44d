"""How the screen is divided (Textual's CSS)."""

CSS = """
Screen { layout: vertical; }
#head { height: 1; background: #1d3b53; }
#left { width: 38%; min-width: 33; max-width: 72; }
#right { width: 1fr; border-left: solid #4a5560; }
#tabs, #scope { height: 1; }
.titles { height: 1; color: #9aa5b1; }
#about { height: 40%; border-top: solid #4a5560; scrollbar-size-vertical: 1; }
#entry { height: 6; border-top: solid #4a5560; }
#filter { height: 1; background: #1d3b53; }
#filter.wrong { background: #7a2f1d; }
#status { height: 1; background: #3b2a1d; }
.high #entry { height: 9; }
.low #about, .low #entry { display: none; }
.narrow #left { width: 100%; max-width: 100%; display: none; }
.narrow #right { border-left: none; }
.narrow.on-left #left { display: block; }
.narrow.on-left #right { display: none; }

ModalScreen { align: center middle; }
.box { width: 90%; max-width: 110; height: auto; max-height: 90%; border: round #8ab4f8; padding: 0 1; }
.box VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
.box.tall { height: 90%; }
.box.tall #verdict { height: 1fr; border-top: solid #4a5560; }
.box .title { height: 1; }
Naming .box { width: 60; }
"""
