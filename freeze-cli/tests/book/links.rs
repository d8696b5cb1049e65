//! The links of the book and of the other documents lead somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::page::{Page, files, normal, pages, root};

#[test]
fn every_link_of_the_book_leads_to_a_page_and_a_heading() {
    let mut wrong = Vec::new();
    for page in pages() {
        let page = page.included().unwrap_or(page);
        wrong.extend(broken(&page, &|target| target.starts_with("docs/src")));
    }
    wrong.extend(broken(&summary(), &|target| target.starts_with("docs/src")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_link_of_the_other_documents_leads_to_a_file() {
    let folders = ["examples", "freeze-dsl/tests", "tests"].map(Path::new);
    let mut documents: Vec<PathBuf> = folders.into_iter().flat_map(files).collect();
    let root_files = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    documents.extend(
        root_files.map(PathBuf::from).filter(|name| name.extension() == Some("md".as_ref())),
    );
    assert!(documents.contains(&PathBuf::from("README.md")));
    let wrong: Vec<String> =
        documents.iter().flat_map(|document| broken(&Page::read(document), &|_| true)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_summary_lists_every_page_once() {
    let listed: Vec<PathBuf> =
        links(&summary()).iter().map(|link| Path::new("docs/src").join(link)).collect();
    let pages: BTreeSet<PathBuf> = pages().into_iter().map(|page| page.path).collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), pages);
    assert_eq!(listed.len(), pages.len(), "a page is listed twice");
}

#[test]
fn every_page_has_one_title() {
    for page in pages() {
        let page = page.included().unwrap_or(page);
        let titles = page.events().filter(|(event, _)| {
            matches!(
                event,
                Event::Start(Tag::Heading { level: pulldown_cmark::HeadingLevel::H1, .. })
            )
        });
        assert_eq!(titles.count(), 1, "{}", page.name());
    }
}

fn summary() -> Page {
    Page::read(Path::new("docs/src/SUMMARY.md"))
}

/// The links of a page that lead nowhere, or to a file that may not be linked.
fn broken(page: &Page, may_link: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let links = links(page).into_iter();
    let wrong = links.filter(|link| !resolves(page, link, may_link));
    wrong.map(|link| format!("{}: {link}", page.name())).collect()
}

fn resolves(page: &Page, link: &str, may_link: &dyn Fn(&Path) -> bool) -> bool {
    if link.starts_with("https://") || link.starts_with("http://") {
        return true;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let folder = page.path.parent().unwrap();
    let target = if path.is_empty() { page.path.clone() } else { normal(&folder.join(path)) };
    if !root().join(&target).exists() || !may_link(&target) {
        return false;
    }
    heading.is_empty() || {
        let target = Page::read(&target);
        headings(&target.included().unwrap_or(target)).contains(heading)
    }
}

fn links(page: &Page) -> Vec<String> {
    let links = page.events().filter_map(|(event, _)| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.to_string())
        }
        _ => None,
    });
    links.collect()
}

/// The names of the headings, as mdBook and GitHub make them: lower case, words joined by hyphens.
fn headings(page: &Page) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Option<String> = None;
    for (event, _) in page.events() {
        match (event, &mut open) {
            (Event::Start(Tag::Heading { .. }), _) => open = Some(String::new()),
            (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
            (Event::End(TagEnd::Heading(_)), Some(heading)) => {
                found.insert(slug(heading));
                open = None;
            }
            _ => {}
        }
    }
    found
}

fn slug(heading: &str) -> String {
    let kept = |sign: &char| sign.is_alphanumeric() || ['_', '-', ' '].contains(sign);
    heading
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|sign| if sign == ' ' { '-' } else { sign })
        .collect()
}
