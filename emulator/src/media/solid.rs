use std::f32::consts::{PI, TAU};

use crate::media::dice::Dice;

/// The rings of points from pole to pole, and the points of each.
const RINGS: usize = 40;
const POINTS: usize = 60;

/// A coloured solid.
pub(super) struct Solid {
    pub(super) points: Vec<Point>,
    /// The corners of triangles, counter-clockwise as seen from outside.
    pub(super) triangles: Vec<[u16; 3]>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    pub(super) position: [f32; 3],
    /// The direction in which the surface faces, of length 1.
    pub(super) normal: [f32; 3],
    /// Red, green and blue from 0 to 1.
    pub(super) colour: [f32; 3],
}

impl Solid {
    /// Makes a solid of about the size 2: a sphere with waves.
    pub(super) fn new(motif: u64) -> Self {
        let mut dice = Dice(motif);
        let lobes = 2 + dice.pick(5);
        let waves = 1 + dice.pick(4);
        let (depth, twist) = (0.1 + 0.2 * dice.roll(), 2.0 * dice.roll());
        let (stretch, hue) = (0.7 + 0.6 * dice.roll(), dice.roll());
        let radius = |down: f32, around: f32| {
            let wave = (lobes as f32 * around + twist * down * 2.0).cos() * down.sin();
            1.0 + depth * wave + 0.5 * depth * (waves as f32 * 2.0 * down).cos()
        };
        let mut points = Vec::with_capacity((RINGS + 1) * (POINTS + 1));
        for index in 0..(RINGS + 1) * (POINTS + 1) {
            let (ring, point) = (index / (POINTS + 1), index % (POINTS + 1));
            let down = PI * ring as f32 / RINGS as f32;
            // The last point of a ring is where the first one is.
            let around = TAU * (point % POINTS) as f32 / POINTS as f32;
            let r = radius(down, around);
            let across = if ring == 0 || ring == RINGS { 0.0 } else { r * down.sin() };
            let position = [across * around.cos(), stretch * r * down.cos(), across * around.sin()];
            points.push(Point { position, normal: [0.0; 3], colour: rainbow(hue + 0.35 * (r - 1.0) / depth) });
        }
        let at = |ring: usize, point: usize| (ring * (POINTS + 1) + point) as u16;
        let mut triangles = Vec::with_capacity(RINGS * POINTS * 2);
        for (ring, point) in (0..RINGS * POINTS).map(|index| (index / POINTS, index % POINTS)) {
            let [a, b] = [at(ring, point), at(ring, point + 1)];
            let [c, d] = [at(ring + 1, point), at(ring + 1, point + 1)];
            if ring > 0 {
                triangles.push([a, b, c]);
            }
            if ring + 1 < RINGS {
                triangles.push([b, d, c]);
            }
        }
        let mut solid = Solid { points, triangles };
        solid.set_normals();
        solid
    }

    /// Sets the normals: the sum of those of the triangles around a point.
    fn set_normals(&mut self) {
        for corners in &self.triangles {
            let [a, b, c] = corners.map(|corner| self.points[usize::from(corner)].position);
            let normal = cross(minus(b, a), minus(c, a));
            for corner in corners {
                let sum = &mut self.points[usize::from(*corner)].normal;
                *sum = std::array::from_fn(|axis| sum[axis] + normal[axis]);
            }
        }
        // Points of a pole are one point, and so are both ends of a ring.
        for ring in 0..=RINGS {
            let points = &mut self.points[ring * (POINTS + 1)..][..=POINTS];
            if ring == 0 || ring == RINGS {
                let up = if ring == 0 { 1.0 } else { -1.0 };
                points.iter_mut().for_each(|point| point.normal = [0.0, up, 0.0]);
            } else {
                let sum = std::array::from_fn(|axis| points[0].normal[axis] + points[POINTS].normal[axis]);
                (points[0].normal, points[POINTS].normal) = (sum, sum);
            }
        }
        for point in &mut self.points {
            let length = point.normal.iter().map(|it| it * it).sum::<f32>().sqrt();
            point.normal = point.normal.map(|it| if length > 0.0 { it / length } else { 0.0 });
        }
    }

    /// Returns the least and the greatest coordinates.
    pub(super) fn bounds(&self) -> ([f32; 3], [f32; 3]) {
        let all = |axis: usize| self.points.iter().map(move |point| point.position[axis]);
        let least = std::array::from_fn(|axis| all(axis).fold(f32::MAX, f32::min));
        (least, std::array::from_fn(|axis| all(axis).fold(f32::MIN, f32::max)))
    }
}

fn minus(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Returns a bright colour. A hue of 1 is that of 0.
fn rainbow(hue: f32) -> [f32; 3] {
    [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|offset| 0.55 + 0.4 * (TAU * (hue + offset)).cos())
}
